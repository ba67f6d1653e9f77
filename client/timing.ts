const SECOND = 1000;
const MINUTE = 60 * SECOND;

/** All in milliseconds. */

/** API Gateway closes a connection on which nothing moved for 10 minutes. */
export const PING_AFTER = 5 * MINUTE;

/** API Gateway ends every connection after 2 hours. From the first of these on, a quiet moment is used; at the second, any. */
export const RENEW_FROM = 100 * MINUTE;
export const RENEW_BY = 112 * MINUTE;
/** After a renewal that failed. The old connection is still there meanwhile. */
export const RENEW_AGAIN = MINUTE;

/** From dialling to `session_start`: a token, TLS, an authorizer and a function may all have to start cold. */
export const HANDSHAKE_WITHIN = 15 * SECOND;
/** From a frame that is answered to any sign of life: over it, the connection is taken for dead. */
export const ANSWER_WITHIN = 15 * SECOND;
/** The same, when there is a reason to doubt the connection. */
export const ANSWER_WITHIN_ON_WAKE = 4 * SECOND;

/** A message that nobody acknowledged is sent again after this, then after twice that, and so on. */
export const REPEAT_AFTER = 5 * SECOND;
export const REPEAT_AT_MOST = 30 * SECOND;

/** A missing event is asked for at once, and again after this if that brought nothing, doubling too. */
export const RESUME_AGAIN = 2 * SECOND;
export const RESUME_AT_MOST = 30 * SECOND;

/** Something is expected and nothing comes: ask whether it was missed. A post to a connection can be lost unheard. */
export const PROBE_AFTER = 15 * SECOND;
export const PROBE_AT_MOST = 2 * MINUTE;

const RETRY_FIRST = 500;
const RETRY_AT_MOST = 30 * SECOND;

/** Doubles `first` with every attempt (from 0), up to `atMost`. */
export function doubling(first: number, attempt: number, atMost: number): number {
  return Math.min(atMost, first * 2 ** Math.min(attempt, 30));
}

/**
 * How long to wait before dialling again: anything up to a ceiling that doubles, so that clients that lost the same
 * server do not come back together. `random` from 0 to below 1.
 */
export function retryDelay(attempt: number, random: number): number {
  return Math.round(100 + random * doubling(RETRY_FIRST, attempt, RETRY_AT_MOST));
}
