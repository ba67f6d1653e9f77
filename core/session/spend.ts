import { createHash } from 'node:crypto';
import { type EpochMs, epochMs } from '../../config/units.ts';
import type { Core } from '../core.ts';
import { expiry } from '../core.ts';
import type { SessionKey } from '../ids.ts';
import type { BudgetHolder } from '../model.ts';
import type { Store } from '../ports.ts';
import { type Key, principalSpendKey, tenantSpendKey, tenantSpendKeys } from '../store/keys.ts';
import { addCount, addCountInNewWindow, type Count, firstCount, isCounted } from '../store/spend-writes.ts';
import type { Owed, Spend } from '../store/usage-items.ts';

/**
 * Counts what a principal, and its tenant, use in a day (decision 0168), with one write for each step. A principal has one
 * item a day. A tenant has up to 64, one for each share of its sessions: each remembers the sessions of its share, and takes
 * their writes alone.
 */

const DAY_MS = 24 * 60 * 60 * 1000;
/** A function runs for 15 minutes at most: what it still writes finds its session's mark in this window or in the one before. */
const WINDOW_MS = 20 * 60 * 1000;
/** Of a digest in base64: 72 bits. */
const DIGEST_LENGTH = 12;

/** The day of an instant, in UTC. @example dayOf(epochMs(1_796_000_000_000)) // '2026-11-30' */
export const dayOf = (now: EpochMs): string => new Date(now).toISOString().slice(0, 10);

/** When the next day begins, in UTC. */
export const nextDay = (now: EpochMs): EpochMs => epochMs((Math.floor(now / DAY_MS) + 1) * DAY_MS);

/** What a holder has used in a day. `nano`: money, in billionths. */
export type DayUse = Pick<Spend, 'turns' | 'tokens' | 'nano'>;

/** What a holder has used on that day. */
export async function readSpend(
  { store }: { store: Pick<Store, 'get' | 'query'> },
  session: SessionKey,
  holder: BudgetHolder,
  day: string,
): Promise<DayUse> {
  if (holder === 'principal') return (await store.get(principalSpendKey(session, day))) ?? NOTHING;
  const shares = await store.query(...tenantSpendKeys(session, day));
  return shares.reduce(
    (sum, { turns, tokens, nano }) => ({
      turns: sum.turns + turns,
      tokens: sum.tokens + tokens,
      nano: sum.nano + nano,
    }),
    NOTHING,
  );
}

const NOTHING: DayUse = { turns: 0, tokens: 0, nano: 0 };

/**
 * Counts once what a session has used.
 *
 * @param mark higher than those of what the session used before
 * @param kind tells counts of a session apart whose marks do not follow from one another
 * @returns what a principal has used on that day, all in all; undefined for a tenant: its other sessions have to be read
 */
export async function countSpend(
  core: Pick<Core, 'store' | 'clock' | 'retention'>,
  session: SessionKey,
  holder: BudgetHolder,
  { mark, owed: { day, ...used }, kind = '' }: { mark: number; owed: Owed; kind?: string },
): Promise<DayUse | undefined> {
  const by = digestOf(`${session}${kind}`);
  const key =
    holder === 'principal' ? principalSpendKey(session, day) : tenantSpendKey(session, day, by.slice(0, 1));
  const counted = await countIn(core, key, { by, mark, used });
  return holder === 'principal' ? counted : undefined;
}

async function countIn(
  core: Pick<Core, 'store' | 'clock' | 'retention'>,
  key: Key<Spend>,
  count: Pick<Count, 'by' | 'mark' | 'used'>,
): Promise<Spend> {
  const window = Math.floor(core.clock.now() / WINDOW_MS);
  const counted: Count = { ...count, window, expires: expiry(core).entry };
  for (;;) {
    const added = await core.store.update(key, addCount(counted));
    if (added.ok) return added.item;
    const read = await core.store.get(key);
    if (!read) {
      const first = firstCount(counted);
      if (await core.store.putIfAbsent(key, first)) return first;
      continue;
    }
    if (isCounted(read, counted)) return read;
    if (read.window >= window) {
      // Another function's clock is ahead.
      counted.window = read.window;
      continue;
    }
    const moved = await core.store.update(key, addCountInNewWindow(counted, read));
    if (moved.ok) return moved.item;
  }
}

/** A tenant's item names no session of its principals. */
const digestOf = (session: string): string =>
  createHash('sha256').update(session).digest('base64url').slice(0, DIGEST_LENGTH);
