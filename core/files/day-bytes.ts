import { after, between, epochMs, epochSeconds, milliseconds } from '../../config/units.ts';
import type { Core } from '../core.ts';
import { errorReply } from '../replies.ts';
import type { Principal } from '../store/items.ts';
import { rateKey } from '../store/keys.ts';
import { count, setIfAbsent } from '../store/update.ts';

const DAY_MS = milliseconds(24 * 3600 * 1000);

/** Counts the bytes of a principal's day (UTC), whether they come or not. A failure to count is the frame's. */
export async function excessOfBytes(core: Core, principal: Principal, size: number) {
  const limit = core.rates.dayFileBytes;
  if (limit === 0) return undefined;
  const now = core.clock.now();
  const day = Math.floor(now / DAY_MS);
  const ends = after(epochMs(day * DAY_MS), DAY_MS);
  const written = await core.store.update(rateKey(principal, 'files', day), {
    when: [],
    change: [count('count', size), setIfAbsent('expires', epochSeconds(Math.ceil(ends / 1000)))],
  });
  if (written.ok && written.item.count <= limit) return undefined;
  const text = `More than ${limit} bytes of files in a day. The next day begins at ${new Date(ends).toISOString()}.`;
  return errorReply('BUDGET_EXCEEDED', text, { limit, until: ends, retry_after_ms: between(now, ends) });
}
