import type { ErrorReply } from '../../protocol/server-frames.ts';
import type { Core } from '../core.ts';
import { errorReply } from '../replies.ts';
import type { Principal, RateCount } from '../store/items.ts';
import { rateKey } from '../store/keys.ts';
import type { Update } from '../store/update.ts';
import { count, setIfAbsent } from '../store/update.ts';

/**
 * What is counted, each by itself and in fixed windows of a minute, over all connections of a principal. Aborts have a
 * count of their own, under the limit of frames: a flood of messages must not keep its author from stopping what it
 * set off. A `ping` counts like any frame: to refuse it is as much a sign of life as to answer it.
 */
export type Counted = 'frames' | 'aborts' | 'connections';

const WINDOW_MS = 60_000;

export interface Excess {
  limit: number;
  /** Until the next window. */
  retryAfterMs: number;
}

/** Unconditional: a count is right whatever else happens, and a repeat of the request errs by one, on the safe side. */
const oneMore = (expires: number): Update<RateCount> => ({
  when: [],
  change: [count('count', 1), setIfAbsent('expires', expires)],
});

/**
 * Counts one more and says whether that is too many. Never throws: where counting fails, service goes on uncounted, since
 * a limit that can stop everybody would be worse than none.
 */
export async function excessOf(core: Core, principal: Principal, kind: Counted): Promise<Excess | undefined> {
  const limit = kind === 'connections' ? core.rates.connectionsPerMinute : core.rates.framesPerMinute;
  if (limit === 0) return undefined;
  const now = core.clock.now();
  const window = Math.floor(now / WINDOW_MS);
  const ends = (window + 1) * WINDOW_MS;
  try {
    const written = await core.store.update(
      rateKey(principal, kind, window),
      oneMore(Math.ceil(ends / 1000)),
    );
    return written.ok && written.item.count > limit ? { limit, retryAfterMs: ends - now } : undefined;
  } catch (error) {
    core.log.warn('rate not counted', { kind, error: String(error) });
    return undefined;
  }
}

/** The answer to a frame over the limit. Nothing of it is stored, so that it may be sent again as it is. */
export const tooMany = ({ limit, retryAfterMs }: Excess, id: string | undefined): ErrorReply =>
  errorReply('RATE_LIMITED', `More than ${limit} frames in a minute; send it again later.`, {
    ...(id !== undefined && { id }),
    limit,
    retry_after_ms: retryAfterMs,
  });
