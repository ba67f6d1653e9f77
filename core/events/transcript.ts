import type { Core } from '../core.ts';
import type { SessionKey } from '../ids.ts';
import { viewSession } from '../session/sessions.ts';
import { entryKey } from '../store/keys.ts';
import type { Entry } from './entries.ts';
import { entriesOf } from './entries.ts';
import { decodeEvents, mergeEvents } from './events.ts';
import { byTurn, readEvents } from './journal.ts';
import { entryOf } from './stored-entry.ts';

const PAGE = 100;

/** Stored entries, newest first, from the one before `before` (default: the newest) on. Pages are read as needed. */
export async function* readEntriesBefore(
  core: Pick<Core, 'store'>,
  session: SessionKey,
  before = Number.MAX_SAFE_INTEGER,
): AsyncGenerator<Entry> {
  let to = before - 1;
  while (to >= 1) {
    const page = await core.store.query(entryKey(session, 1), entryKey(session, to), {
      backwards: true,
      limit: PAGE,
    });
    for (const item of page) yield entryOf(item);
    const last = page.at(-1);
    if (page.length < PAGE || !last) return;
    to = last.n - 1;
  }
}

/**
 * The whole transcript, newest entry first. A worker, or the one that takes over from it, puts entries some time after
 * the commit that they follow from. So the entries of the active slot are computed from the committed events.
 */
export async function* readTranscriptBefore(
  core: Pick<Core, 'store'>,
  session: SessionKey,
  before = Number.MAX_SAFE_INTEGER,
): AsyncGenerator<Entry> {
  const latest = await entriesOfActiveSlot(core, session);
  for (const entry of latest.toReversed()) if (entry.n < before) yield entry;
  yield* readEntriesBefore(core, session, Math.min(before, latest[0]?.n ?? before));
}

/** The whole transcript, oldest entry first, from entry `from` on. */
export async function* readTranscriptFrom(
  core: Pick<Core, 'store'>,
  session: SessionKey,
  from: number,
): AsyncGenerator<Entry> {
  const latest = await entriesOfActiveSlot(core, session);
  const end = latest[0]?.n ?? Number.MAX_SAFE_INTEGER;
  for (let next = Math.max(1, from); next < end; ) {
    const page = await core.store.query(entryKey(session, next), entryKey(session, end - 1), { limit: PAGE });
    for (const item of page) yield entryOf(item);
    const last = page.at(-1);
    if (page.length < PAGE || !last) break;
    next = last.n + 1;
  }
  for (const entry of latest) if (entry.n >= from) yield entry;
}

async function entriesOfActiveSlot(core: Pick<Core, 'store'>, key: SessionKey): Promise<Entry[]> {
  const { session, lane } = await viewSession(core, key);
  // Once the session counts the events of a slot, that slot is retired and its entries are stored.
  if (!session || !lane?.begun || lane.begun.seq <= session.seq) return [];
  const events = mergeEvents(await readEvents(core, key, lane.begun.seq), decodeEvents(lane.unspilled));
  return [...byTurn(events).values()].flatMap((turn) => entriesOf(turn));
}
