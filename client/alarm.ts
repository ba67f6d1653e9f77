import type { Platform, Timer } from './platform.ts';
import { NEVER } from './timing.ts';

/** One timer for everything that a part of the client waits for. It rings at the earliest time; the owner then checks the rest. */
export class Alarm {
  readonly #platform: Pick<Platform, 'now' | 'setTimer' | 'clearTimer'>;
  readonly #ring: () => void;
  #timer: Timer;
  #at = NEVER;

  constructor(platform: Pick<Platform, 'now' | 'setTimer' | 'clearTimer'>, ring: () => void) {
    this.#platform = platform;
    this.#ring = ring;
  }

  /** Sets the timer to the earliest of these times (milliseconds since the epoch), or clears it if there is none: undefined is `NEVER`. */
  set(...times: (number | undefined)[]): void {
    const at = Math.min(NEVER, ...times.map((time = NEVER) => time));
    if (at === this.#at) return;
    this.clear();
    if (at === NEVER) return;
    this.#at = at;
    this.#timer = this.#platform.setTimer(
      () => {
        this.#at = NEVER;
        this.#ring();
      },
      Math.max(0, at - this.#platform.now()),
    );
  }

  clear(): void {
    if (this.#at !== NEVER) this.#platform.clearTimer(this.#timer);
    this.#at = NEVER;
  }
}
