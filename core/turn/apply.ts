import { MAX_FRAME_BYTES } from '../../protocol/limits.ts';
import { arrivalWait, inOrderOfArrival } from '../arrival.ts';
import type { AppliedMessage, EventDraft } from '../events/events.ts';
import type { Lane, MessageOutcome } from '../store/items.ts';
import { messageKey } from '../store/keys.ts';
import { removeApplied } from '../store/lane/apply.ts';
import { set } from '../store/update.ts';
import type { TurnContext } from './context.ts';
import { renew } from './end.ts';
import type { Hold } from './hold.ts';

/** Room for an `applied` frame's own fields. */
const APPLIED_BYTES = MAX_FRAME_BYTES - 1024;
const ARRIVAL_POLL_MS = 20;

/**
 * Takes the inbox into the turn: one commit of `applied` that removes these very messages by id (P1, P6), begins the
 * turn if it has not begun, and is refused if one of them was withdrawn meanwhile.
 */
export async function applyInbox(hold: Hold, context: TurnContext): Promise<void> {
  const { core } = context;
  const outcomes = new Map<string, MessageOutcome | undefined>();
  await awaitArrivals(hold, context, outcomes);
  const pending = inOrderOfArrival(hold.lane.inbox);
  // Withdrawn while their senders' earlier ones were waited for: nothing begins, and an answer stays an answer.
  if (pending.length === 0) return;
  await readOutcomes(hold, outcomes);
  // A request that came through late can bring back a message that was answered long ago: its outcome is known (P10).
  const repeated = pending.flatMap(({ id }) => (outcomes.get(id) ? [id] : []));
  const fresh = pending.filter(({ id }) => !outcomes.get(id));
  if (repeated.length > 0) {
    const guard = removeApplied(hold.lane, repeated, []);
    // Its turn may be over long since, too: what is left goes on under an id that nobody has used.
    if (hold.begun) await hold.commit([], guard);
    else await renew(hold, context, guard);
    return;
  }
  const step = hold.usage.steps + 1;
  const now = core.clock.now();
  const drafts: EventDraft[] = [];
  const begin: ReturnType<typeof set<Lane>>[] = [];
  if (!hold.begun) {
    const entry = hold.firstEntry;
    drafts.push({ type: 'turn_start', message_ids: fresh.map(({ id }) => id), entry, at: now });
    begin.push(set('begun', { turn: hold.turn, seq: hold.nextSeq, entry, at: now }));
  }
  for (const messages of inFrames(fresh.map(({ id, content, at }) => ({ id, content, at })))) {
    drafts.push({ type: 'applied', messages, step });
  }
  if (hold.usage.answered) hold.usage = { ...hold.usage, answered: false };
  const ids = fresh.map(({ id }) => id);
  const guard = removeApplied(hold.lane, ids, ids);
  const steers = hold.begun;
  const { since = now } = hold.lane;
  if (!(await hold.commit(drafts, { when: guard.when, change: [...guard.change, ...begin] }))) return;
  hold.writeEntriesMeanwhile();
  if (steers) core.metrics.count('SteeringTakenIn', fresh.length);
  else core.metrics.time('QueueWait', now - since);
}

/** `applied` events that each fit into a frame. */
function inFrames(messages: readonly AppliedMessage[]): AppliedMessage[][] {
  const frames: AppliedMessage[][] = [];
  let size = Number.POSITIVE_INFINITY;
  for (const message of messages) {
    const bytes = Buffer.byteLength(JSON.stringify(message));
    const frame = frames.at(-1);
    if (frame && size + bytes <= APPLIED_BYTES) {
      frame.push(message);
      size += bytes;
    } else {
      frames.push([message]);
      size = bytes;
    }
  }
  return frames;
}

/** Waits for messages that were sent before those that are here already; in ordinary use there are none. */
async function awaitArrivals(
  hold: Hold,
  { core }: TurnContext,
  outcomes: Map<string, MessageOutcome | undefined>,
): Promise<void> {
  // The lane was seen with the last commit or look, while messages came in concurrently: one sent later may be in that
  // view, and one sent earlier not.
  if (hold.begun) await Promise.all([hold.refresh(), readOutcomes(hold, outcomes)]);
  for (;;) {
    const wait = arrivalWait(hold.lane, core.clock.now());
    if (wait === 0) return;
    await core.clock.sleep(Math.min(wait, ARRIVAL_POLL_MS));
    await hold.refresh();
  }
}

/**
 * Reads what is not known yet of the messages in the inbox. What was read stays true while the lane is held: nobody else
 * takes a message in, and the lane remembers one that is withdrawn, so that it cannot come back before the turn ends.
 */
async function readOutcomes(
  { core, session, lane }: Hold,
  outcomes: Map<string, MessageOutcome | undefined>,
): Promise<void> {
  const unread = Object.keys(lane.inbox).filter((id) => !outcomes.has(id));
  await Promise.all(
    unread.map(async (id) => {
      outcomes.set(id, await core.store.get(messageKey(session, id)));
    }),
  );
}
