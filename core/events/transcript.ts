import type { Core } from '../core.ts';
import type { SessionKey } from '../ids.ts';
import { viewSession } from '../session/sessions.ts';
import type { StoredEntry } from '../store/items.ts';
import { entryKey } from '../store/keys.ts';
import type { Entry } from './entries.ts';
import { entriesOf } from './entries.ts';
import { decodeEvents, mergeEvents, type TurnEvent } from './events.ts';
import { byTurn, entryItems, readEvents } from './journal.ts';
import { entryOf } from './stored-entry.ts';
import { hasExpired, isWhole } from './whole-turns.ts';

/** Items of the largest page. */
const PAGE = 100;

/** Sizes of the pages that are read for a reader who wants about `first` items: each is twice the one before. */
function* pageSizes(first: number): Generator<number, never> {
  for (let size = Math.min(first, PAGE); ; size = Math.min(2 * size, PAGE)) yield size;
}

type Stores = Pick<Core, 'store' | 'clock'>;

/**
 * Stored entries of whole turns, newest first, from the one before `before` on. Pages are read as needed.
 *
 * @param before where the transcript is read up to: the entry after a turn's last one, or one within a turn
 * @param wanted about how many the reader takes
 */
export async function* readEntriesBefore(
  core: Stores,
  session: SessionKey,
  before = Number.MAX_SAFE_INTEGER,
  wanted = PAGE,
): AsyncGenerator<Entry> {
  let turn: StoredEntry[] = [];
  let above = before === Number.MAX_SAFE_INTEGER ? undefined : before;
  const ended = function* (below: number): Generator<Entry> {
    if (isWhole(turn.toReversed(), { below, above })) for (const item of turn) yield entryOf(item);
    const oldest = turn.at(-1);
    above = oldest?.first ?? oldest?.n ?? above;
    turn = [];
  };
  for await (const item of itemsBefore(core, session, before, wanted)) {
    const begins = turn[0] !== undefined && turn[0].turn !== item.turn;
    if (begins) yield* ended(item.n);
    // What is older has expired as well.
    if (hasExpired(item, core.clock.now())) {
      if (!begins) yield* ended(item.n - 1);
      return;
    }
    turn.push(item);
  }
  yield* ended(0);
}

async function* itemsBefore(
  core: Stores,
  session: SessionKey,
  before: number,
  wanted: number,
): AsyncGenerator<StoredEntry> {
  let to = before - 1;
  for (const limit of pageSizes(wanted)) {
    if (to < 1) return;
    const page = await core.store.query(entryKey(session, 1), entryKey(session, to), {
      backwards: true,
      limit,
    });
    yield* page;
    const last = page.at(-1);
    if (page.length < limit || !last) return;
    to = last.n - 1;
  }
}

/**
 * The whole transcript, newest entry first. A worker, or the one that takes over from it, puts entries some time after
 * the commit that they follow from. So the entries of the active slot are computed from the committed events.
 */
export async function* readTranscriptBefore(
  core: Stores,
  session: SessionKey,
  before = Number.MAX_SAFE_INTEGER,
  wanted = PAGE,
): AsyncGenerator<Entry> {
  const { latest, end } = await latestEntries(core, session);
  for (const entry of latest.toReversed()) if (entry.n < before) yield entry;
  yield* readEntriesBefore(core, session, Math.min(before, end), wanted);
}

/** The whole transcript, oldest entry first, from entry `from` on. */
export async function* readTranscriptFrom(
  core: Stores,
  session: SessionKey,
  from: number,
  wanted = PAGE,
): AsyncGenerator<Entry> {
  const { latest, end } = await latestEntries(core, session);
  let turn: StoredEntry[] = [];
  // A page of an export can begin within a turn. Its earlier entries were on the page before.
  let below = Math.max(1, from) - 1;
  const ended = function* (above: number | undefined): Generator<Entry> {
    const [first, last] = [turn[0], turn.at(-1)];
    const continues = from > 1 && first?.n === from;
    const items = continues ? turn.map(({ first: _, ...item }): StoredEntry => item) : turn;
    if (isWhole(items, { below, above })) for (const item of turn) yield entryOf(item);
    below = last?.n ?? below;
    turn = [];
  };
  for await (const item of itemsFrom(core, session, from, end, wanted)) {
    if (hasExpired(item, core.clock.now())) {
      turn = [];
      below = item.n;
      continue;
    }
    if (turn[0] && turn[0].turn !== item.turn) yield* ended(item.first ?? item.n);
    turn.push(item);
  }
  yield* ended(end === Number.MAX_SAFE_INTEGER ? undefined : end);
  for (const entry of latest) if (entry.n >= from) yield entry;
}

async function* itemsFrom(
  core: Stores,
  session: SessionKey,
  from: number,
  end: number,
  wanted: number,
): AsyncGenerator<StoredEntry> {
  let next = Math.max(1, from);
  for (const limit of pageSizes(wanted)) {
    if (next >= end) return;
    const page = await core.store.query(entryKey(session, next), entryKey(session, end - 1), { limit });
    yield* page;
    const last = page.at(-1);
    if (page.length < limit || !last) return;
    next = last.n + 1;
  }
}

/**
 * The entries `from` to `before`, the latter excluded, as they are stored, oldest first. A turn of which one has expired is not
 * left out: its readers do that.
 */
export async function* readEntryItems(
  core: Stores & Pick<Core, 'retention'>,
  session: SessionKey,
  from: number,
  before: number,
): AsyncGenerator<StoredEntry> {
  const { turns, end } = await latestTurns(core, session);
  for await (const item of itemsFrom(core, session, from, Math.min(end, before), PAGE))
    if (!hasExpired(item, core.clock.now())) yield item;
  for (const item of turns.flatMap((turn) => entryItems(core, turn)))
    if (item.n >= from && item.n < before) yield item;
}

/** The entries of the active slot, and the number of the first of them, or of the one that comes next. */
async function latestEntries(core: Stores, key: SessionKey): Promise<{ latest: Entry[]; end: number }> {
  const { turns, end } = await latestTurns(core, key);
  return { latest: turns.flatMap((turn) => entriesOf(turn)), end };
}

/** The events of the active slot by turn, and the number of their first entry, or of the entry that comes next. */
async function latestTurns(core: Stores, key: SessionKey): Promise<{ turns: TurnEvent[][]; end: number }> {
  const { session, lane } = await viewSession(core, key);
  // Once the session counts the events of a slot, that slot is retired and its entries are stored.
  if (!session || !lane?.begun || lane.begun.seq <= session.seq)
    return { turns: [], end: session ? session.entry + 1 : Number.MAX_SAFE_INTEGER };
  const events = mergeEvents(await readEvents(core, key, lane.begun.seq), decodeEvents(lane.unspilled));
  const turns = [...byTurn(events).values()];
  return { turns, end: turns.flatMap((turn) => entriesOf(turn))[0]?.n ?? lane.begun.entry };
}
