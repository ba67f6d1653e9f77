import {
  between,
  type EpochSeconds,
  epochMs,
  epochSeconds,
  type Milliseconds,
  milliseconds,
} from '../../config/units.ts';
import type { ErrorReply } from '../../protocol/server-frames.ts';
import type { Core } from '../core.ts';
import { errorReply } from '../replies.ts';
import type { Principal, RateCount } from '../store/items.ts';
import { rateKey } from '../store/keys.ts';
import type { Update } from '../store/update.ts';
import { count, setIfAbsent } from '../store/update.ts';

/**
 * What is counted, each on its own, in fixed windows of a minute over all connections of a principal. Aborts have their own
 * count under the limit of frames, so that a user who sent too many messages can still stop the turn. A `ping` counts like
 * any frame: its refusal shows as well as its answer that the connection works.
 */
export type Counted = 'frames' | 'aborts' | 'connections';

const WINDOW_MS = milliseconds(60_000);

export interface Excess {
  limit: number;
  /** Until the next window. */
  retryAfterMs: Milliseconds;
}

/** Unconditional: a count is always right, and a repeated request counts one too many, on the safe side. */
const oneMore = (expires: EpochSeconds): Update<RateCount> => ({
  when: [],
  change: [count('count', 1), setIfAbsent('expires', expires)],
});

/**
 * Counts one more, and returns the excess if that is over the limit. It never throws: if counting fails, the frame is served
 * uncounted, since a limit that can stop all users would be worse than none.
 */
export async function excessOf(core: Core, principal: Principal, kind: Counted): Promise<Excess | undefined> {
  const limit = kind === 'connections' ? core.rates.connectionsPerMinute : core.rates.framesPerMinute;
  if (limit === 0) return undefined;
  const now = core.clock.now();
  const window = Math.floor(now / WINDOW_MS);
  const ends = epochMs((window + 1) * WINDOW_MS);
  try {
    const written = await core.store.update(
      rateKey(principal, kind, window),
      oneMore(epochSeconds(Math.ceil(ends / 1000))),
    );
    return written.ok && written.item.count > limit ? { limit, retryAfterMs: between(now, ends) } : undefined;
  } catch (error) {
    core.log.warn('rate not counted', { kind, error: String(error) });
    return undefined;
  }
}

/** The answer to a frame over the limit. Nothing of the frame is stored, so the client may send it again unchanged. */
export const tooMany = ({ limit, retryAfterMs }: Excess, id: string | undefined): ErrorReply =>
  errorReply('RATE_LIMITED', `More than ${limit} frames in a minute; send this frame again later.`, {
    ...(id !== undefined && { id }),
    limit,
    retry_after_ms: retryAfterMs,
  });
