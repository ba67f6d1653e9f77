import type { Core } from '../core.ts';
import { entriesExpire, expiry } from '../core.ts';
import type { SessionKey, TurnId } from '../ids.ts';
import { recordOutcome } from '../session/outcomes.ts';
import { eachOf } from '../store/each-of.ts';
import type { StoredEntry, StoredEvents } from '../store/items.ts';
import { entryKey, eventsKey } from '../store/keys.ts';
import { isUnstorable } from '../store/unstorable.ts';
import { entriesOf } from './entries.ts';
import type { TurnEvent } from './events.ts';
import { decodeEvents, encodeEvents, frameOf, isEnd, mergeEvents, streamedText } from './events.ts';
import { storedEntry } from './stored-entry.ts';
import { hasExpired } from './whole-turns.ts';

/**
 * What follows a commit. Committed events are on the lane first (`unspilled`), then in EVENTS items (the spill). The
 * transcript's entries are computed from them. Each write here is a plain put of committed data, so any worker may repeat
 * it.
 */

type Stores = Pick<Core, 'store' | 'clock' | 'retention' | 'log'>;

/**
 * The spilled events from `first` on, in order. It can contain events before `first`, from the same item. They have no hole:
 * events that have expired, and those before them, are left out.
 */
export async function readEvents(
  core: Pick<Core, 'store' | 'clock'>,
  session: SessionKey,
  first: number,
): Promise<TurnEvent[]> {
  return eventsOf(core, await core.store.query(eventsKey(session, first), endOf(session)));
}

/** Items of a page: a replay that its client leaves has read little in vain. */
const PAGE_ITEMS = 50;

/**
 * The same, page by page. An event is in the item of the first spill that has it, or before, so that a page has no hole that a
 * later one fills.
 */
export async function* readEventPages(
  core: Pick<Core, 'store' | 'clock'>,
  session: SessionKey,
  first: number,
): AsyncGenerator<{ events: TurnEvent[]; isLast: boolean }> {
  for (let next = first; ; ) {
    const items = await core.store.query(eventsKey(session, next), endOf(session), { limit: PAGE_ITEMS });
    const last = decodeEvents(items.at(-1)?.events ?? []).at(-1);
    const isLast = items.length < PAGE_ITEMS || !last;
    yield { events: eventsOf(core, items), isLast };
    if (isLast) return;
    next = last.seq + 1;
  }
}

const endOf = (session: SessionKey) => eventsKey(session, Number.MAX_SAFE_INTEGER);

function eventsOf(core: Pick<Core, 'clock'>, items: readonly StoredEvents[]): TurnEvent[] {
  const now = core.clock.now();
  const kept = items.filter((item) => !hasExpired(item, now));
  const events = mergeEvents(...kept.map((item) => decodeEvents(item.events)));
  const hole = events.findLastIndex((event, i) => i > 0 && event.seq !== (events[i - 1]?.seq ?? 0) + 1);
  return events.slice(Math.max(0, hole));
}

/** Of one item: below DynamoDB's 400 KB, and small enough for one page of a query. */
const MAX_SPILL_BYTES = 300_000;

/**
 * Puts events under their last `seq`. Two spills can hold the same events: readers merge them by `seq`. An event that the store
 * refuses for ever is left out: it cannot be replayed, and the session goes on.
 */
export async function spillEvents(
  core: Stores,
  session: SessionKey,
  events: readonly TurnEvent[],
): Promise<void> {
  let batch: TurnEvent[] = [];
  let size = 0;
  let last = 0;
  const put = () => putEvents(core, session, batch, last);
  for (const event of events) {
    const bytes = Buffer.byteLength(JSON.stringify(event));
    if (batch.length && size + bytes > MAX_SPILL_BYTES) {
      await put();
      batch = [];
      size = 0;
    }
    batch.push(event);
    size += bytes;
    // rule: spill-keyed-by-last-seq
    last = event.seq;
  }
  if (batch.length) await put();
}

async function putEvents(
  core: Stores,
  session: SessionKey,
  events: readonly TurnEvent[],
  last: number,
): Promise<void> {
  try {
    await core.store.put(eventsKey(session, last), {
      events: encodeEvents(events),
      expires: expiry(core).events,
    });
  } catch (error) {
    // rule: refused-events-are-left-out
    if (!isUnstorable(error)) throw error;
    if (events.length === 1) {
      core.log.error('an event cannot be stored, and cannot be replayed', {
        seq: last,
        error: String(error),
      });
      return;
    }
    const middle = Math.ceil(events.length / 2);
    const halves = [events.slice(0, middle), events.slice(middle)];
    for (const half of halves) await putEvents(core, session, half, half.at(-1)?.seq ?? last);
  }
}

/**
 * Puts the entries of one turn from index `from` on, and for each user message the outcome "taken". These are plain puts:
 * number and content of an entry follow from the committed events, so an entry that is written twice is the same (P1, P3).
 * An entry that the store refuses for ever is left out, and readers leave out its turn (whole-turns.ts).
 *
 * @returns how many entries the turn has
 */
export async function writeEntries(
  core: Stores,
  session: SessionKey,
  events: readonly TurnEvent[],
  from = 0,
): Promise<number> {
  const entries = entryItems(core, events);
  await eachOf(entries.slice(from), (entry) => putEntry(core, session, entry));
  return entries.length;
}

/** The entries of one turn, as they are stored. */
export function entryItems(
  core: Pick<Core, 'retention' | 'clock'>,
  events: readonly TurnEvent[],
): StoredEntry[] {
  const [start] = events;
  if (start?.type !== 'turn_start') return [];
  // Of the turn and not of this write: its entries expire together, whoever writes them.
  const expires = /* rule: entries-expire-together */ entriesExpire(core.retention, start.at);
  return entriesOf(events).map((entry) => storedEntry(entry, { first: start.entry, expires }));
}

/** Puts an entry into a session, and for a user's message its outcome there. */
export async function putEntry(core: Stores, session: SessionKey, entry: StoredEntry): Promise<void> {
  const { n, turn } = entry;
  // rule: applied-message-has-outcome
  if (entry.role === 'user') {
    const placement = entry.step === 1 ? 'turn' : 'steering';
    const { outcome: expires } = expiry(core);
    await recordOutcome(core, session, entry.id, { outcome: 'taken', turn, placement, expires });
  }
  try {
    await core.store.put(entryKey(session, n), entry);
  } catch (error) {
    // rule: refused-entry-is-left-out
    if (!isUnstorable(error)) throw error;
    core.log.error('an entry cannot be stored; its turn is left out', { n, turn, error: String(error) });
  }
}

/**
 * The frame of a stored event. The frame of an event that ends its turn has the turn's text. If the `known` events do not
 * reach back to the start of the turn, the missing ones are read. While a session is deleted, or after a day, some events
 * are gone. Then the frame has no text, instead of a part of it (P3).
 */
export async function storedFrame(
  core: Pick<Core, 'store' | 'clock'>,
  session: SessionKey,
  event: TurnEvent,
  known: readonly TurnEvent[],
): Promise<string> {
  if (!isEnd(event)) return frameOf(event, () => '');
  const reaches = known.some(({ seq, turn }) => turn === event.turn && seq === event.first);
  const events = reaches ? known : mergeEvents(await readEvents(core, session, event.first), known);
  const spoken = events.filter(({ turn, seq }) => turn === event.turn && seq < event.seq);
  return frameOf(event, () => (spoken.length === event.seq - event.first ? streamedText(spoken) : undefined));
}

/** The same, with the event's number. */
export const storedText = async (
  core: Pick<Core, 'store' | 'clock'>,
  session: SessionKey,
  event: TurnEvent,
  known: readonly TurnEvent[],
): Promise<{ seq: number; text: string }> => ({
  seq: event.seq,
  text: await storedFrame(core, session, event, known),
});

/** Groups events by turn, in order. */
export function byTurn(events: readonly TurnEvent[]): Map<TurnId, TurnEvent[]> {
  const turns = new Map<TurnId, TurnEvent[]>();
  for (const event of events) {
    const turn = turns.get(event.turn);
    if (turn) turn.push(event);
    else turns.set(event.turn, [event]);
  }
  return turns;
}
