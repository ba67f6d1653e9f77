import { epochMs } from '../config/units.ts';
import { asSessionId } from '../core/ids.ts';
import type { Clock, Store } from '../core/ports.ts';
import { dayOf } from '../core/session/spend.ts';
import type { Spend } from '../core/store/items.ts';
import { type Key, principalSpendKey, sessionOf, tenantSpendKey } from '../core/store/keys.ts';
import { NANO } from '../core/turn/call-usage.ts';

/** Of one command, today among them: days are kept as long as transcripts. */
const MAX_DAYS = 400;
const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * What a principal used of its budgets on each day, or a tenant with all its principals, as lines of JSON: those of the newest day
 * first. Days on which nobody had a budget have none. `cost` is in the currency of the agent's prices.
 */
export async function* spendLines(
  { store, clock }: { store: Pick<Store, 'get' | 'keys'>; clock: Pick<Clock, 'now'> },
  tenant: string,
  subject: string | undefined,
): AsyncGenerator<string> {
  const session = sessionOf({ tenant, subject: subject ?? '' }, asSessionId(''));
  const keyOf = (day: string): Key<Spend> =>
    subject === undefined ? tenantSpendKey(session, day) : principalSpendKey(session, day);
  const today = clock.now();
  const first = dayOf(epochMs(today - (MAX_DAYS - 1) * DAY_MS));
  const found = await store.keys(keyOf(first), keyOf(dayOf(today)), MAX_DAYS);
  for (const key of found.reverse()) {
    const spend = await store.get(key);
    if (!spend) continue;
    const { turns, tokens, nano } = spend;
    yield `${JSON.stringify({ day: key.sk, turns, tokens, cost: nano / NANO })}\n`;
  }
}
