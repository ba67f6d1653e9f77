import { epochMs } from '../config/units.ts';
import { asSessionId } from '../core/ids.ts';
import type { Clock, Store } from '../core/ports.ts';
import { dayOf, readSpend } from '../core/session/spend.ts';
import { type Key, principalSpendKey, sessionOf, tenantSpendKeys } from '../core/store/keys.ts';
import type { Spend } from '../core/store/usage-items.ts';
import { NANO } from '../core/turn/call-usage.ts';

/** Of one command, today among them: days are kept as long as transcripts. */
const MAX_DAYS = 400;
/** Of a tenant and day, at most. */
const SHARES = 64;
const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * What a principal used of its budgets on each day, or a tenant with all its principals, as lines of JSON: those of the newest day
 * first. Days on which nobody had a budget have none. `cost` is in the currency of the agent's prices.
 */
export async function* spendLines(
  { store, clock }: { store: Pick<Store, 'get' | 'keys' | 'query'>; clock: Pick<Clock, 'now'> },
  tenant: string,
  subject: string | undefined,
): AsyncGenerator<string> {
  const session = sessionOf({ tenant, subject: subject ?? '' }, asSessionId(''));
  const today = clock.now();
  const [first, last] = [dayOf(epochMs(today - (MAX_DAYS - 1) * DAY_MS)), dayOf(today)];
  const holder = subject === undefined ? 'tenant' : 'principal';
  const range: [Key<Spend>, Key<Spend>] =
    holder === 'tenant'
      ? tenantSpendKeys(session, first, last)
      : [principalSpendKey(session, first), principalSpendKey(session, last)];
  const found = await store.keys(...range, MAX_DAYS * SHARES);
  const days = [...new Set(found.map(({ sk }) => sk.slice(0, last.length)))];
  for (const day of days.reverse()) {
    const { turns, tokens, nano } = await readSpend({ store }, session, holder, day);
    yield `${JSON.stringify({ day, turns, tokens, cost: nano / NANO })}\n`;
  }
}
