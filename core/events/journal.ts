import type { Core } from '../core.ts';
import { expiry } from '../core.ts';
import { recordOutcome } from '../session/outcomes.ts';
import { entryKey, eventsKey } from '../store/keys.ts';
import { entriesOf } from './entries.ts';
import type { TurnEvent } from './events.ts';
import { decodeEvents, encodeEvents, frameOf, isEnd, mergeEvents, streamedText } from './events.ts';
import { storedEntry } from './stored-entry.ts';

/**
 * The events are the truth. They live in the lane's tail first (the commit), then in EVENTS items (the spill); the
 * transcript is computed from them. Everything here is a plain put of what is committed already, so that whoever comes
 * along may do it again.
 */

type Stores = Pick<Core, 'store' | 'clock' | 'retention'>;

/** The spilled events from `first` on, in order. A few before `first` may come along, from the same item. */
export async function readEvents(
  core: Pick<Core, 'store'>,
  session: string,
  first: number,
): Promise<TurnEvent[]> {
  const items = await core.store.query(
    eventsKey(session, first),
    eventsKey(session, Number.MAX_SAFE_INTEGER),
  );
  return mergeEvents(...items.map((item) => decodeEvents(item.events)));
}

/** Below DynamoDB's 400 KB, and few enough for one page of a query. */
const MAX_SPILL_BYTES = 300_000;

/** Puts events under their last `seq`. A longer spill of the same events stands beside it: readers merge by `seq`. */
export async function spillEvents(
  core: Stores,
  session: string,
  events: readonly TurnEvent[],
): Promise<void> {
  let batch: TurnEvent[] = [];
  let size = 0;
  let last = 0;
  const put = () =>
    core.store.put(eventsKey(session, last), { events: encodeEvents(batch), expires: expiry(core).events });
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

/**
 * Puts the entries of one turn from index `from` on, and the outcome of each user message with it: taken. Plain puts,
 * since number and content are a function of the committed events: written twice they are the same (P1, P3).
 */
export async function writeEntries(
  core: Stores,
  session: string,
  events: readonly TurnEvent[],
  from = 0,
): Promise<number> {
  const entries = entriesOf(events);
  const { entry: expires, outcome } = expiry(core);
  await Promise.all(
    entries.slice(from).map(async (entry) => {
      // rule: applied-message-has-outcome
      if (entry.role === 'user') {
        const placement = entry.step === 1 ? 'turn' : 'steering';
        await recordOutcome(core, session, entry.id, {
          outcome: 'taken',
          turn: entry.turn,
          placement,
          expires: outcome,
        });
      }
      await core.store.put(entryKey(session, entry.n), storedEntry(entry, expires));
    }),
  );
  return entries.length;
}

/**
 * The frame of a stored event. An end carries its turn's text, which is read from the turn's beginning where the `known`
 * events do not reach back so far. Of a session that is being deleted, or after a day, not all of them are there: then
 * the frame carries no text, rather than a part of it (P3).
 */
export async function storedFrame(
  core: Pick<Core, 'store'>,
  session: string,
  event: TurnEvent,
  known: readonly TurnEvent[],
): Promise<string> {
  if (!isEnd(event)) return frameOf(event, () => '');
  const reaches = known.some(({ seq, turn }) => turn === event.turn && seq === event.first);
  const events = reaches ? known : mergeEvents(await readEvents(core, session, event.first), known);
  const spoken = events.filter(({ turn, seq }) => turn === event.turn && seq < event.seq);
  return frameOf(event, () => (spoken.length === event.seq - event.first ? streamedText(spoken) : undefined));
}

/** Groups events by turn, in order. */
export function byTurn(events: readonly TurnEvent[]): Map<string, TurnEvent[]> {
  const turns = new Map<string, TurnEvent[]>();
  for (const event of events) {
    const turn = turns.get(event.turn);
    if (turn) turn.push(event);
    else turns.set(event.turn, [event]);
  }
  return turns;
}
