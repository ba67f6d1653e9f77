/** What will happen, the next first: a binary heap of numbers, as there are tens of millions of events. */
export class Agenda {
  #times = new Float64Array(1024);
  #orders = new Float64Array(1024);
  #codes = new Int32Array(1024);
  #length = 0;
  #order = 0;

  get length(): number {
    return this.#length;
  }

  get nextAt(): number {
    return this.#times[0] ?? Number.NaN;
  }

  /** Events of one time happen in the order in which they were added. */
  add(at: number, code: number): void {
    if (this.#length === this.#times.length) this.#enlarge();
    const order = this.#order++;
    let place = this.#length++;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!this.#isLater(parent, at, order)) break;
      this.#move(parent, place);
      place = parent;
    }
    this.#set(place, at, order, code);
  }

  /** Removes the next event. */
  take(): number {
    const code = this.#codes[0];
    if (code === undefined || this.#length === 0) throw new Error('Nothing is left to happen.');
    const last = --this.#length;
    const [at, order] = [this.#times[last] ?? 0, this.#orders[last] ?? 0];
    const lastCode = this.#codes[last] ?? 0;
    let place = 0;
    for (let child = 1; child < last; child = 2 * place + 1) {
      if (child + 1 < last && this.#isLater(child, this.#times[child + 1] ?? 0, this.#orders[child + 1] ?? 0))
        child++;
      if (this.#isLater(child, at, order)) break;
      this.#move(child, place);
      place = child;
    }
    this.#set(place, at, order, lastCode);
    return code;
  }

  #isLater(place: number, at: number, order: number): boolean {
    const time = this.#times[place] ?? 0;
    return time > at || (time === at && (this.#orders[place] ?? 0) > order);
  }

  #move(from: number, to: number): void {
    this.#set(to, this.#times[from] ?? 0, this.#orders[from] ?? 0, this.#codes[from] ?? 0);
  }

  #set(place: number, at: number, order: number, code: number): void {
    this.#times[place] = at;
    this.#orders[place] = order;
    this.#codes[place] = code;
  }

  #enlarge(): void {
    const [times, orders, codes] = [this.#times, this.#orders, this.#codes];
    this.#times = new Float64Array(2 * times.length);
    this.#orders = new Float64Array(2 * times.length);
    this.#codes = new Int32Array(2 * times.length);
    this.#times.set(times);
    this.#orders.set(orders);
    this.#codes.set(codes);
  }
}
