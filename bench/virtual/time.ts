/** One wait of the code under test: a call to a service, a pause, a token of the model. Times in virtual milliseconds. */
export interface Call {
  service: string;
  operation: string;
  /** The function that waits. */
  by: string;
  began: number;
  ended: number;
  /** What had just ended when this began: it was awaited until then. Undefined: it began by itself. */
  after: Call | undefined;
}

export type CallName = Pick<Call, 'service' | 'operation' | 'by'>;

interface Moment {
  at: number;
  /** Moments of one time happen in the order in which they were asked for. */
  order: number;
  run(): void;
  /** Something may go on when it has happened. */
  wakes: Call | undefined;
}

/**
 * A clock that jumps to the next thing that happens. All that one end sets off has begun before the next one comes, so
 * that each call knows what it waited for: that makes the critical path a fact, not a guess.
 */
export class VirtualTime {
  now = 1_700_000_000_000;
  readonly #keepsPath: boolean;
  #current: Call | undefined;
  readonly #moments: Moment[] = [];
  #order = 0;

  /** `keepsPath`: what each call waited for is remembered, and all of it is kept as long as the last one is. */
  constructor({ keepsPath = true } = {}) {
    this.#keepsPath = keepsPath;
  }

  /** What goes on just now was waiting for this. */
  get current(): Call | undefined {
    return this.#current;
  }

  /** A call that takes so long, and does what it does half-way. */
  call<T>(name: CallName, ms: number, effect: () => T): Promise<T> {
    const call = this.#begin(name, ms);
    return new Promise<T>((resolve, reject) => {
      let result: T | undefined;
      let failure: unknown;
      this.#at(this.now + ms / 2, () => {
        try {
          result = effect();
        } catch (error) {
          failure = error ?? new Error('nothing was thrown');
        }
      });
      const settle = () => (failure === undefined ? resolve(result as T) : reject(failure));
      this.#at(call.ended, settle, call);
    });
  }

  /** A wait that `signal` ends early. */
  wait(name: CallName, ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    const call = this.#begin(name, Math.max(0, ms));
    return new Promise((resolve) => {
      const early = () => {
        this.#moments.splice(this.#moments.indexOf(moment), 1);
        resolve();
      };
      const moment = this.#at(
        call.ended,
        () => {
          // A signal of many waits would grow slow with those that are over.
          signal?.removeEventListener('abort', early);
          resolve();
        },
        call,
      );
      signal?.addEventListener('abort', early, { once: true });
    });
  }

  /** Until `work` is done. @throws when it waits for something that never happens. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    let end: { value: T } | { error: unknown } | undefined;
    work().then(
      (value) => {
        end = { value };
      },
      (error: unknown) => {
        end = { error };
      },
    );
    await allSetOff();
    while (!end) {
      const next = this.#moments.pop();
      if (!next) throw new Error('Nothing is left to happen, and the work is not done.');
      this.now = next.at;
      this.#current = next.wakes;
      next.run();
      if (next.wakes) await allSetOff();
    }
    if ('error' in end) throw end.error;
    return end.value;
  }

  #begin(name: CallName, ms: number): Call {
    return {
      ...name,
      began: this.now,
      ended: this.now + ms,
      after: this.#keepsPath ? this.#current : undefined,
    };
  }

  /** Kept in order, the next one last: there are a few dozen at any time. */
  #at(at: number, run: () => void, wakes?: Call): Moment {
    const moment = { at, order: ++this.#order, run, wakes };
    let index = this.#moments.length;
    while (index > 0 && isBefore(this.#moments[index - 1], moment)) index--;
    this.#moments.splice(index, 0, moment);
    return moment;
  }
}

const isBefore = (a: Moment | undefined, b: Moment): boolean =>
  a !== undefined && (a.at < b.at || (a.at === b.at && a.order < b.order));

/** Comes after every microtask: by then whatever could go on waits for something again. */
const allSetOff = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** The calls that `last` waited for, one after the other, from the one that `first` says on. */
export function pathTo(last: Call, first: (call: Call) => boolean): Call[] {
  const path: Call[] = [];
  for (let call: Call | undefined = last; call; call = call.after) {
    path.unshift(call);
    if (first(call)) return path;
  }
  throw new Error(`${last.by} ${last.operation} did not come of it.`);
}
