/** Counts by name, in the order in which the names first came. */
export class Tally {
  readonly #counts = new Map<string, number>();

  constructor(...names: readonly string[]) {
    for (const name of names) this.#counts.set(name, 0);
  }

  add(name: string, n = 1): void {
    this.#counts.set(name, this.of(name) + n);
  }

  of(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  sum(...names: readonly string[]): number {
    return names.reduce((sum, name) => sum + this.of(name), 0);
  }

  rows(): [string, number][] {
    return [...this.#counts];
  }
}
