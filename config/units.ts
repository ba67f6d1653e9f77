/**
 * Durations and instants whose unit is part of their type. A function that takes `Milliseconds` does not compile with
 * `Seconds`, nor with a plain number: write `milliseconds(500)` or `toMs(limit)`.
 *
 * The brand exists for the compiler alone. At run time each is a number, so that it can be compared, stored and sent as
 * one. Arithmetic gives a plain number, which needs its unit named again before it is passed on.
 */
declare const unit: unique symbol;

export type Milliseconds = number & { readonly [unit]: 'milliseconds' };
export type Seconds = number & { readonly [unit]: 'seconds' };

/** An instant, in milliseconds since the epoch: what clocks give, and what items and events hold. */
export type EpochMs = number & { readonly [unit]: 'milliseconds since the epoch' };

/** An instant, in seconds since the epoch: when an item expires, as DynamoDB's time to live demands. */
export type EpochSeconds = number & { readonly [unit]: 'seconds since the epoch' };

/** States that `value` counts milliseconds. */
export const milliseconds = (value: number): Milliseconds => value as Milliseconds;

/** States that `value` counts seconds. */
export const seconds = (value: number): Seconds => value as Seconds;

/** @example toMs(seconds(2)) // milliseconds(2000) */
export const toMs = (duration: Seconds): Milliseconds => milliseconds(duration * 1000);

/** Keeps fractions. @example toSeconds(milliseconds(1500)) // seconds(1.5) */
export const toSeconds = (duration: Milliseconds): Seconds => seconds(duration / 1000);

/** Rounded up, as queues take delays. @example toWholeSeconds(milliseconds(1500)) // seconds(2) */
export const toWholeSeconds = (duration: Milliseconds): Seconds => seconds(Math.ceil(duration / 1000));

/** States that `value` is an instant in milliseconds since the epoch. */
export const epochMs = (value: number): EpochMs => value as EpochMs;

/** States that `value` is an instant in seconds since the epoch. */
export const epochSeconds = (value: number): EpochSeconds => value as EpochSeconds;

/** The instant that comes `duration` after `instant`. */
export const after = (instant: EpochMs, duration: Milliseconds): EpochMs => epochMs(instant + duration);

/** How long it is from one instant to another. Negative if `to` is the earlier one. */
export const between = (from: EpochMs, to: EpochMs): Milliseconds => milliseconds(to - from);

/** When an item expires that is to be kept for `duration` from `now` on. */
export const expiresAfter = (now: EpochMs, duration: Seconds): EpochSeconds =>
  epochSeconds(Math.floor(now / 1000) + duration);
