import type { Platform, Timer } from './platform.ts';

/** One timer for everything that a part of the client waits for. It rings at the earliest time; the owner then checks the rest. */
export class Alarm {
  readonly #platform: Pick<Platform, 'now' | 'setTimer' | 'clearTimer'>;
  readonly #ring: () => void;
  #timer: Timer;
  #at: number | undefined;

  constructor(platform: Pick<Platform, 'now' | 'setTimer' | 'clearTimer'>, ring: () => void) {
    this.#platform = platform;
    this.#ring = ring;
  }

  /** Sets the timer to the earliest of these times (milliseconds since the epoch), or clears it if all are undefined. */
  set(...times: (number | undefined)[]): void {
    const at = times.reduce<number>(
      (least, time) => Math.min(least, time ?? least),
      Number.POSITIVE_INFINITY,
    );
    if (at === this.#at) return;
    this.clear();
    if (at === Number.POSITIVE_INFINITY) return;
    this.#at = at;
    this.#timer = this.#platform.setTimer(
      () => {
        this.#at = undefined;
        this.#ring();
      },
      Math.max(0, at - this.#platform.now()),
    );
  }

  clear(): void {
    if (this.#at !== undefined) this.#platform.clearTimer(this.#timer);
    this.#at = undefined;
  }
}
