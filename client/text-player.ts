import { cutAt } from '../protocol/text.ts';

/** Of the time between two pieces of text, before two have come. */
const FIRST_WINDOW_MS = 120;
/** A server's window grows to this (`MIDTURN_FLUSH_MS`). A pause that is longer says nothing about the next piece. */
const LONGEST_WINDOW_MS = 500;
/** How long the rest takes when nothing more comes. */
const LAST_MS = 150;
/** So much at once is no answer that comes as it is written, but a replay: it is shown at once. In UTF-16 code units. */
const AT_ONCE = 1500;

/**
 * Plays streamed text out evenly. A server sends text in pieces, each of some hundred milliseconds, since each costs a frame. Shown
 * as they come, they make text jump. The player spreads each piece over the time until the next one is expected, so that
 * what is shown is behind what has come by one window at most.
 *
 * It keeps no timer and reads no clock: ask `shown` in each painted frame while `isBehind`.
 *
 * @example
 * const player = new TextPlayer();
 * function frame(now: number) {
 *   player.came(text.length, now);
 *   paint(beginningOf(text, player.shown(now)));
 *   if (player.isBehind) requestAnimationFrame(frame);
 * }
 */
export class TextPlayer {
  /** UTF-16 code units of the text that have come. */
  #length: number;
  #cameAt: number | undefined;
  /** Between the last two pieces. */
  #window = FIRST_WINDOW_MS;
  /** What is played: from a position and a time, to the whole length at another time. */
  #from: number;
  #since = 0;
  #until = 0;
  /** Until when text up to a length must be shown: one window after it came. Of what is not shown yet. */
  #due: { length: number; at: number }[] = [];

  /** @param length of the text that is there already, and is not played */
  constructor(length = 0) {
    this.#length = length;
    this.#from = length;
  }

  /** Whether something has come that is not shown yet, as of the last `shown`. */
  get isBehind(): boolean {
    return this.#from < this.#length;
  }

  /**
   * The text has this length now.
   *
   * @param now in milliseconds, of a clock that does not go back: `performance.now()`
   */
  came(length: number, now: number): void {
    if (length === this.#length) return;
    const more = length - this.#length;
    const from = this.shown(now);
    this.#length = length;
    if (more < 0 || more > AT_ONCE) {
      this.finish();
      return;
    }
    if (this.#cameAt !== undefined) {
      const pause = now - this.#cameAt;
      if (pause <= LONGEST_WINDOW_MS) this.#window = pause;
      else this.#window = FIRST_WINDOW_MS;
    }
    this.#cameAt = now;
    // The next window is longer than this one, up to twice as long.
    const next = Math.min(LONGEST_WINDOW_MS, Math.max(FIRST_WINDOW_MS, this.#window * 1.5));
    this.#due.push({ length, at: now + next });
    this.#play(from, now, next);
  }

  /** Nothing more comes: the rest is shown soon. */
  end(now: number): void {
    const from = this.shown(now);
    if (this.#until > now + LAST_MS) this.#play(from, now, LAST_MS);
  }

  /** Shows all of it now: nobody looks, or the user wants no motion. */
  finish(): void {
    this.#from = this.#length;
    this.#until = 0;
    this.#due = [];
  }

  /** How many UTF-16 code units of the text are shown now. */
  shown(now: number): number {
    if (now >= this.#until) {
      this.#from = this.#length;
      return this.#length;
    }
    const part = Math.max(0, now - this.#since) / (this.#until - this.#since);
    return Math.ceil(this.#from + (this.#length - this.#from) * part);
  }

  #play(from: number, now: number, duration: number): void {
    this.#due = this.#due.filter(({ length }) => length > from);
    // As fast as the piece needs that is the latest.
    const enough = this.#due.map(({ length, at }) => ((at - now) * (this.#length - from)) / (length - from));
    this.#from = from;
    this.#since = now;
    this.#until = now + Math.min(duration, ...enough);
  }
}

/** What belongs to the character before it: accents, variation selectors, skin tones, joined emoji. */
const CONTINUES = /^[\p{M}\p{EMod}\u200d]/u;
const LONGEST_CHARACTER = 32;

/** The first `length` UTF-16 code units of the text, or some fewer, so that no character is shown in half. */
export function beginningOf(text: string, length: number): string {
  if (length >= text.length) return text;
  const least = Math.max(0, length - LONGEST_CHARACTER);
  let end = cutAt(text, length);
  while (end > least && (CONTINUES.test(text.slice(end, end + 2)) || text[end - 1] === '\u200d'))
    end = cutAt(text, end - 1);
  return text.slice(0, end > least ? end : cutAt(text, length));
}
