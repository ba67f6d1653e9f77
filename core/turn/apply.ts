import { between, milliseconds } from '../../config/units.ts';
import { MAX_FRAME_BYTES } from '../../protocol/limits.ts';
import { arrivalWait, inOrderOfArrival } from '../arrival.ts';
import type { AppliedMessage, EventDraft } from '../events/events.ts';
import { idsOf, newTurnId } from '../ids.ts';
import type { Lane, MessageOutcome } from '../store/items.ts';
import { messageKey } from '../store/keys.ts';
import { removeApplied } from '../store/lane/apply.ts';
import { set } from '../store/update.ts';
import type { TurnContext } from './context.ts';
import type { LeasedTurn } from './leased-turn.ts';

/** Room for an `applied` frame's own fields. */
const APPLIED_BYTES = MAX_FRAME_BYTES - 1024;
const ARRIVAL_POLL_MS = milliseconds(20);

/**
 * Applies the inbox to the turn: one commit of `applied` removes exactly these messages by id (P1, P6) and begins the turn
 * if it has not begun. It is refused if one of them was withdrawn meanwhile.
 */
export async function applyInbox(turn: LeasedTurn, context: TurnContext): Promise<void> {
  const { core } = context;
  const outcomes = new Map<string, MessageOutcome | undefined>();
  await awaitArrivals(turn, context, outcomes);
  const pending = inOrderOfArrival(turn.lane.inbox);
  // Every pending message was cancelled while we waited for earlier ones. Return without starting a step or clearing
  // `answered`.
  if (pending.length === 0) return;
  await readOutcomes(turn, outcomes);
  // A late duplicate of a request can bring back a message that was answered long ago: its outcome is known (P10).
  const repeated = pending.flatMap(({ id }) => (outcomes.get(id) ? [id] : []));
  const fresh = pending.filter(({ id }) => !outcomes.get(id));
  if (repeated.length > 0) {
    const guard = removeApplied(turn.lane, repeated, []);
    // Its turn may be over too, so what is left continues under a new turn id.
    if (turn.hasBegun) await turn.commit([], guard);
    else await turn.renew(newTurnId(core), guard);
    return;
  }
  const step = turn.usage.steps + 1;
  const now = core.clock.now();
  const drafts: EventDraft[] = [];
  const begin: ReturnType<typeof set<Lane>>[] = [];
  if (!turn.hasBegun) {
    const entry = turn.firstEntry;
    drafts.push({ type: 'turn_start', message_ids: fresh.map(({ id }) => id), entry, at: now });
    begin.push(set('begun', { turn: turn.id, seq: turn.nextSeq, entry, at: now }));
  }
  for (const messages of inFrames(
    fresh.map(({ id, content, at }) => ({ id, /* rule: content-applied-whole */ content, at })),
  )) {
    drafts.push({ type: 'applied', messages, step });
  }
  const { usage } = turn;
  if (usage.answered) turn.usage = { ...usage, answered: false };
  const ids = fresh.map(({ id }) => id);
  const guard = removeApplied(turn.lane, ids, ids);
  const steers = turn.hasBegun;
  const { since = now } = turn.lane;
  if (!(await turn.commit(drafts, { when: guard.when, change: [...guard.change, ...begin] }))) {
    // Nothing was applied: a finished answer is still one.
    turn.usage = usage;
    return;
  }
  turn.startWritingEntries();
  if (steers) core.metrics.count('SteeringTakenIn', fresh.length);
  else core.metrics.time('QueueWait', between(since, now));
}

/** Splits messages into `applied` events that each fit into a frame. */
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

/** Waits for messages that were sent before those in the inbox. In ordinary use there are none, and it does not wait. */
async function awaitArrivals(
  turn: LeasedTurn,
  { core }: TurnContext,
  outcomes: Map<string, MessageOutcome | undefined>,
): Promise<void> {
  // Messages are accepted concurrently. The lane as last seen may hold one that was sent later and not yet one that was
  // sent earlier.
  if (turn.hasBegun) await Promise.all([turn.refresh(), readOutcomes(turn, outcomes)]);
  for (;;) {
    const wait = arrivalWait(turn.lane, core.clock.now());
    if (wait === 0) return;
    await core.clock.sleep(milliseconds(Math.min(wait, ARRIVAL_POLL_MS)));
    await turn.refresh();
  }
}

/**
 * Reads the outcomes of messages in the inbox that were not read yet. A result stays true while the lane is leased: nobody
 * else applies a message, and the lane remembers the id of one that is withdrawn, so it cannot come back in this turn.
 */
async function readOutcomes(
  { core, session, lane }: LeasedTurn,
  outcomes: Map<string, MessageOutcome | undefined>,
): Promise<void> {
  const unread = idsOf(lane.inbox).filter((id) => !outcomes.has(id));
  await Promise.all(
    unread.map(async (id) => {
      outcomes.set(
        id,
        /* rule: known-outcome-not-applied-again */ await core.store.get(messageKey(session, id)),
      );
    }),
  );
}
