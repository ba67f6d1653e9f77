/** `Array.prototype.at(-1)`, which Hermes lacks: tests run there too. */
export const last = <T>(list: readonly T[]): T | undefined => list[list.length - 1];
