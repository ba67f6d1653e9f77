/** What tests import as `node:timers/promises` where they run in Hermes. */
export const setImmediate = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));
