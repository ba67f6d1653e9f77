/**
 * Durations whose unit is part of their type. A function that takes `Milliseconds` does not compile with `Seconds`, nor
 * with a plain number: write `milliseconds(500)` or `toMs(limit)`.
 *
 * The brand exists for the compiler alone. At run time a duration is a number, so that it can be compared, stored and sent
 * as one. Arithmetic on a duration gives a plain number, which needs its unit named again before it is passed on.
 */
declare const unit: unique symbol;

export type Milliseconds = number & { readonly [unit]: 'milliseconds' };
export type Seconds = number & { readonly [unit]: 'seconds' };

/** States that `value` counts milliseconds. */
export const milliseconds = (value: number): Milliseconds => value as Milliseconds;

/** States that `value` counts seconds. */
export const seconds = (value: number): Seconds => value as Seconds;

/** @example toMs(seconds(2)) // milliseconds(2000) */
export const toMs = (duration: Seconds): Milliseconds => milliseconds(duration * 1000);

/** Keeps fractions. @example toSeconds(milliseconds(1500)) // seconds(1.5) */
export const toSeconds = (duration: Milliseconds): Seconds => seconds(duration / 1000);
