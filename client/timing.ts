const SECOND = 1000;
const MINUTE = 60 * SECOND;

/** All in milliseconds. */

/** When something is due that is not due at all: the latest time of a `Date`. */
export const NEVER = 8.64e15;

/** Idle time before a `ping`. API Gateway closes a connection that is idle for 10 minutes. */
export const PING_AFTER = 5 * MINUTE;

/** API Gateway ends every connection after 2 hours. From the first age on, it is renewed when no turn runs; at the second, always. */
export const RENEW_FROM = 100 * MINUTE;
export const RENEW_BY = 112 * MINUTE;
/** Pause between two renewals, and after one that failed, in which the old connection stays in use. */
export const RENEW_AGAIN = MINUTE;
/** Time before the end of its token at which a connection is renewed. The server serves it for a minute after the end. */
export const RENEW_BEFORE_EXPIRY = 30 * SECOND;

/**
 * How long a connection stays away that the server closed because its session has too many. A page that its user comes back to
 * connects at once. If all came back by themselves, each would close another one.
 */
export const SURPLUS_AWAY = 15 * MINUTE;

/** Time from dialling to `session_start`. Token, TLS, authorizer and function can all start cold. */
export const HANDSHAKE_WITHIN = 15 * SECOND;
/** Time from a frame that the server answers to the next received frame. After it, the connection counts as dead. */
export const ANSWER_WITHIN = 15 * SECOND;
/** The same after a wake, when the connection may be dead. */
export const ANSWER_WITHIN_ON_WAKE = 4 * SECOND;

/** A message that is not acknowledged is sent again after this time, then after twice the time, and so on. */
export const REPEAT_AFTER = 5 * SECOND;
export const REPEAT_AT_MOST = 30 * SECOND;

/** A missing event is requested at once, and again after this time if the request brought nothing, doubling too. */
export const RESUME_AGAIN = 2 * SECOND;
export const RESUME_AT_MOST = 30 * SECOND;

/** Silence where an event is expected, before the client asks for it. A post to a connection can be lost without an error. */
export const PROBE_AFTER = 15 * SECOND;
export const PROBE_AT_MOST = 2 * MINUTE;

const RETRY_FIRST = 500;
const RETRY_AT_MOST = 30 * SECOND;

/** Doubles `first` with every attempt (from 0), up to `atMost`. */
export function doubling(first: number, attempt: number, atMost: number): number {
  return Math.min(atMost, first * 2 ** Math.min(attempt, 30));
}

/**
 * The wait before dialling again, in milliseconds: a random time up to a limit that doubles with each attempt, so that
 * clients that lost the same server do not all return at once. `random` is from 0 to below 1.
 */
export function retryDelay(attempt: number, random: number): number {
  return Math.round(100 + random * doubling(RETRY_FIRST, attempt, RETRY_AT_MOST));
}
