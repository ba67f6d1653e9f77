import { after, between, type EpochMs, milliseconds, seconds, toWholeSeconds } from '../../config/units.ts';
import { Broadcast } from '../broadcast.ts';
import type { Core } from '../core.ts';
import { expiry } from '../core.ts';
import type { TurnEvent, TurnFacts } from '../events/events.ts';
import { appliedMessages, decodeEvents, encodeEvents, isEnd, mergeEvents } from '../events/events.ts';
import { readEvents, storedFrame } from '../events/journal.ts';
import { objectKey } from '../files/object-key.ts';
import type { ConnectionId, LaneId, SessionKey } from '../ids.ts';
import type { Deletion } from '../ports.ts';
import { reply, sessionDeleted } from '../replies.ts';
import { eachOf } from '../store/each-of.ts';
import type { Lane, Session } from '../store/items.ts';
import {
  fileIdOf,
  laneIdOf,
  laneKey,
  lanesRange,
  listingKey,
  notedAnswer,
  partsRange,
  sessionKey,
} from '../store/keys.ts';
import { close } from '../store/lane/close.ts';
import { isClosed } from '../store/lane/lane.ts';
import { markDeleted, markTold } from '../store/session-writes.ts';
import { fieldsOf } from '../turn/usage.ts';
import { tellBus, tellDeletion } from './bus.ts';
import { reportOutcomes } from './outcomes.ts';

/**
 * How a session is deleted, in steps that can each be repeated:
 *
 * 1. Mark it: one write on the session, after which it admits no listener, no turn and no connection.
 * 2. Close each lane: one write, after which no worker can commit (P8) and nothing is accepted. A running turn ends with a
 *    terminal event. Now the deletion is answered.
 * 3. Remove the items: the deadline function does it at once, and again when no function that had begun before can still
 *    run, because such a function may put an entry or events late.
 */

/** Lambda's longest time limit, and a while for requests that were on their way to the table. */
const LAST_WRITE_MS = milliseconds((15 + 5) * 60_000);
/** The longest delay of an SQS message. */
const MAX_DELAY_SECONDS = seconds(900);
/** Items removed by one invocation: well within its time limit. */
const MAX_ITEMS = 2000;
/** A session has as many lanes as it had connections in five days. */
const MAX_LANES = 10_000;

/**
 * Deletes a session. When it returns, nothing of the session can be written or shown any more.
 *
 * @param by the connection that asks, which gets the answer instead of the notice
 * @returns false if there is no such session
 */
export async function deleteSession(core: Core, session: SessionKey, by?: ConnectionId): Promise<boolean> {
  if (!(await core.store.get(sessionKey(session)))) return false;
  const at = core.clock.now();
  // Sent first: if this function dies from here on, the deadline function completes the deletion.
  // rule: items-removed-again-at-end
  await core.queues.sendDeletion({ session, at, until: after(at, LAST_WRITE_MS) }, MAX_DELAY_SECONDS);
  const buried = await markSessionDeleted(core, session, at);
  // rule: deletion-closes-lanes-first
  if (buried) await closeSession(core, session, buried, by);
  await core.queues.sendDeletion({ session, at, until: at }, seconds(0));
  return true;
}

/** Requests a deletion that the deadline function carries out. */
export async function requestDeletion(
  core: { queues: Pick<Core['queues'], 'sendDeletion'>; clock: Pick<Core['clock'], 'now'> },
  session: SessionKey,
): Promise<void> {
  const at = core.clock.now();
  await core.queues.sendDeletion({ session, at, until: after(at, LAST_WRITE_MS) }, seconds(0));
}

/** Handles a message of `sendDeletion`: completes the deletion, removes the items, and sends itself again until `until`. */
export async function carryOutDeletion(core: Core, deletion: Deletion): Promise<void> {
  const { session, at, until } = deletion;
  const buried = await markSessionDeleted(core, session, at);
  if (!buried) return;
  await closeSession(core, session, buried);
  const isLast = /* rule: cache-notes-kept-to-the-end */ core.clock.now() >= after(at, LAST_WRITE_MS);
  const isDone = await removeItems(core, session, buried, isLast);
  await tellOnce(core, session, buried);
  if (!isDone) await core.queues.sendDeletion(deletion, seconds(0));
  else if (core.clock.now() < until) {
    const left = toWholeSeconds(between(core.clock.now(), until));
    await core.queues.sendDeletion(deletion, seconds(Math.min(left, MAX_DELAY_SECONDS)));
  }
}

/** Tells the bus, if it was not told. A function that dies in between has told it, perhaps: the next run tells it again. */
async function tellOnce(core: Core, session: SessionKey, buried: Session): Promise<void> {
  // Of half a fork nobody was told that it is there.
  if (!core.bus || buried.told || buried.deleted === undefined || buried.copying) return;
  const isTold = /* rule: bus-told-of-deletion */ await tellDeletion(core, buried, buried.deleted);
  if (isTold) await core.store.update(sessionKey(session), markTold());
}

/** Undefined: there is no such session, or it was made after the request. */
async function markSessionDeleted(
  core: Core,
  session: SessionKey,
  at: EpochMs,
): Promise<Session | undefined> {
  const key = sessionKey(session);
  const buried = await core.store.update(key, markDeleted(at, expiry(core).tombstone));
  const item = buried.ok ? buried.item : await core.store.get(key);
  return item?.deleted === undefined ? undefined : item;
}

/**
 * Closes every lane, then notifies the client of each, except the one that asked. A lane is removed when its client was
 * notified, so that a repeat notifies nobody twice. The outcomes of all lanes are reported before that, since a message may
 * have been forwarded from one lane to another.
 */
async function closeSession(
  core: Core,
  session: SessionKey,
  buried: Session,
  by?: ConnectionId,
): Promise<void> {
  const ids = (await core.store.keys(...lanesRange(session), MAX_LANES)).map(laneIdOf);
  await eachOf(ids, (id) => closeLane(core, session, id, buried));
  await eachOf(ids, (id) => tellWithdrawn(core, session, id));
  await eachOf(ids, (id) => removeLane(core, session, id, by));
}

async function closeLane(core: Core, session: SessionKey, id: LaneId, buried: Session): Promise<void> {
  const key = laneKey(session, id);
  for (;;) {
    const lane = await core.store.get(key);
    if (!lane) return;
    if (isClosed(lane)) {
      await quietly(core, () => postTerminalEvent(core, id, lane, buried.audience));
      // Also of a turn that ended before, if its worker died.
      const left = decodeEvents(lane.unspilled).filter(({ seq }) => seq > buried.seq);
      // rule: closed-lane-tells-bus
      await tellBus(core, buried, left);
      return;
    }
    const end = await terminalEventOf(core, lane);
    const tail = end ? [...lane.unspilled, ...encodeEvents([end])] : lane.unspilled;
    // Refused or not, the lane is read again: it may have changed meanwhile, or the answer was lost.
    await core.store.update(key, close(lane, end?.seq ?? lane.seq, tail));
  }
}

async function tellWithdrawn(core: Core, session: SessionKey, id: LaneId): Promise<void> {
  const lane = await core.store.get(laneKey(session, id));
  if (lane) await quietly(core, () => reportOutcomes(core, id, lane));
}

/** Notifies the lane's client, or closes its connection, and removes the lane. */
async function removeLane(
  core: Core,
  session: SessionKey,
  id: LaneId,
  by: ConnectionId | undefined,
): Promise<void> {
  const lane = await core.store.get(laneKey(session, id));
  if (!lane) return;
  // rule: deletion-reported-to-listeners
  if (lane.connection !== undefined && lane.connection !== by)
    await reply(core, lane.connection, sessionDeleted());
  await core.store.delete(laneKey(session, id));
}

/** The event that ends a running turn: durable before it is shown (P4), and after all that was streamed (P3). */
async function terminalEventOf(core: Core, lane: Lane): Promise<TurnEvent | undefined> {
  const { begun, turn, session } = lane;
  if (!begun || begun.turn !== turn) return undefined;
  const events = mergeEvents(await readEvents(core, session, begun.seq), decodeEvents(lane.unspilled));
  if (events.some((event) => event.turn === turn && isEnd(event))) return undefined;
  const { code, message, retryable } = sessionDeleted();
  return /* rule: deletion-ends-running-turn */ {
    type: 'error',
    code,
    message,
    retryable,
    first: begun.seq,
    ...(core.bus && {
      facts: factsOf(
        begun,
        lane,
        events.filter((event) => event.turn === turn),
        core.clock.now(),
      ),
    }),
    seq: lane.seq + 1,
    turn,
  };
}

/** As far as the lane has them: a worker that is fenced now may know of a model call more. */
const factsOf = (
  { at }: NonNullable<Lane['begun']>,
  { usage }: Pick<Lane, 'usage'>,
  events: readonly TurnEvent[],
  now: EpochMs,
): TurnFacts => ({
  began: at,
  ended: now,
  messages: appliedMessages(events),
  steps: usage?.steps ?? 0,
  usage: usage ? fieldsOf(usage, usage.cost) : {},
  ...(usage?.model && { provider: usage.model.provider, model: usage.model.name }),
});

async function postTerminalEvent(
  core: Core,
  id: LaneId,
  lane: Lane,
  audience: Session['audience'],
): Promise<void> {
  const { session } = lane;
  const events = decodeEvents(lane.unspilled);
  const last = events.at(-1);
  if (last?.type !== 'error' || last.code !== 'SESSION_DELETED') return;
  const frame = await storedFrame(core, session, last, events);
  // Items are removed only when no lane is left. While this one exists, the frame was made from all events.
  if (!(await core.store.get(laneKey(session, id)))) return;
  const broadcast = new Broadcast(core, session, id);
  broadcast.join(audience);
  broadcast.join(lane.audience);
  await broadcast.send([{ seq: last.seq, text: frame }]);
  await broadcast.settled();
  core.metrics.countBy('Turns', last.type);
  core.milestones.reached('turn ended', session, {
    lane: id,
    turn: last.turn,
    outcome: last.type,
    code: last.code,
  });
  if (lane.begun) core.metrics.time('TurnTime', between(lane.begun.at, core.clock.now()));
}

/** A client that was not told is told by its next frame. The deletion goes on. */
async function quietly(core: Core, tell: () => Promise<unknown>): Promise<void> {
  try {
    await tell();
  } catch (error) {
    core.log.warn('not told that a session was deleted', { error: String(error) });
  }
}

/**
 * Removes the session's items. Those that lead to something outside of the session stay until the last time: a function that had
 * begun before may put a cached answer after its note, and a client may put a file's bytes where it was allowed to.
 *
 * @returns whether all items that can be removed now are gone
 */
async function removeItems(
  core: Core,
  session: SessionKey,
  item: Session,
  isLast: boolean,
): Promise<boolean> {
  const keys = await core.store.keys(...partsRange(session), MAX_ITEMS);
  const kept = isLast ? [] : keys.filter((key) => notedAnswer(key) ?? fileIdOf(key));
  await eachOf(keys, async (key) => {
    const answer = notedAnswer(key);
    if (answer) await core.store.delete(answer);
    const file = fileIdOf(key);
    if (file !== undefined) await core.files?.delete(objectKey(session, file));
    if (!kept.includes(key)) await core.store.delete(key);
  });
  await core.store.delete(listingKey(item.principal, item));
  return keys.length < MAX_ITEMS || kept.length === keys.length;
}
