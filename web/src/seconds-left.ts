/** What a person was asked, and until when an answer counts. */
export interface Asked {
  timeoutSeconds: number;
  /** By the clock of the server. */
  askedAt?: number | undefined;
}

/**
 * How many whole seconds an answer still counts, by the clock of this device. Undefined: nobody knows, since the server does not tell
 * when it asked, or the two clocks are further apart than an answer takes.
 *
 * @param now in milliseconds since the epoch
 */
export function secondsLeft({ timeoutSeconds, askedAt }: Asked, now: number): number | undefined {
  if (askedAt === undefined) return undefined;
  const left = timeoutSeconds - (now - askedAt) / 1000;
  if (left <= -1 || left > timeoutSeconds + MAX_AHEAD) return undefined;
  return Math.min(Math.max(Math.ceil(left), 0), timeoutSeconds);
}

/** How far the clock of the server may be ahead, in seconds. */
const MAX_AHEAD = 5;
const MINUTE = 60;

/** @example inWords(45) // '45 seconds' */
export const inWords = (seconds: number): string => {
  if (seconds < 2 * MINUTE) return `${seconds} seconds`;
  return `${Math.round(seconds / MINUTE)} minutes`;
};

/** @example asClock(105) // '1:45' */
export const asClock = (seconds: number): string =>
  `${Math.floor(seconds / MINUTE)}:${String(seconds % MINUTE).padStart(2, '0')}`;
