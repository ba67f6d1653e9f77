/** A frame as it was sent or received. */
export interface TracedFrame {
  number: number;
  direction: 'in' | 'out';
  /** Milliseconds since the epoch. */
  at: number;
  type: string;
  text: string;
}

/** The number of frames in the panel. More would slow the page down. */
const MAX_FRAMES = 300;

/** The latest frames of a connection, as an observable list. */
export class Trace {
  readonly #listeners = new Set<() => void>();
  #frames: readonly TracedFrame[] = [];
  #count = 0;

  add(direction: 'in' | 'out', text: string): TracedFrame {
    this.#count += 1;
    const frame = { number: this.#count, direction, at: Date.now(), type: typeOf(text), text };
    this.#frames = [...this.#frames.slice(1 - MAX_FRAMES), frame];
    for (const listener of this.#listeners) listener();
    return frame;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly getSnapshot = (): readonly TracedFrame[] => this.#frames;
}

function typeOf(text: string): string {
  return /"type":"(\w+)"/.exec(text)?.[1] ?? '?';
}
