import { type EpochMs, milliseconds } from '../../config/units.ts';
import type { MessageFrame } from '../../protocol/client-frames.ts';
import { MAX_CONTENT_BYTES } from '../../protocol/limits.ts';
import type { ErrorReply } from '../../protocol/server-frames.ts';
import { bytesOf, type Content, hasImageUrl, imagesOf, isBlank } from '../content.ts';
import type { Core } from '../core.ts';
import { expiry } from '../core.ts';
import {
  asMessageId,
  type LaneId,
  type MessageId,
  newMessageId,
  newTurnId,
  type SessionKey,
  type TurnId,
} from '../ids.ts';
import { contextOf } from '../message-context.ts';
import { ownValue } from '../own-value.ts';
import { errorReply, reply, sessionDeleted } from '../replies.ts';
import { reportOutcomes } from '../session/outcomes.ts';
import { putContent, removeContents } from '../session/pending-content.ts';
import { isDeleted } from '../session/sessions.ts';
import type { Lane, PendingMessage } from '../store/items.ts';
import { laneKey, messageKey } from '../store/keys.ts';
import type { Acceptance } from '../store/lane/accept.ts';
import { contentBytes, INLINE_BYTES, knows, MAX_IDS, MAX_UNDELIVERED } from '../store/lane/lane.ts';
import type { MessageSender } from './acknowledge.ts';
import { acknowledge, answerOutcome } from './acknowledge.ts';
import { checkFiles } from './check-files.ts';
import type { Destination } from './forward.ts';
import { forwardDestination, ownDestination } from './forward.ts';
import { repairLane } from './repair.ts';

/** Each refused write means that another function changed the lane, so only a fault of ours reaches this. */
const MAX_ACCEPT_TRIES = 50;
/** How often and how long to wait for an outcome that is just being written. */
const OUTCOME_TRIES = 3;
const OUTCOME_WAIT_MS = milliseconds(5);

/**
 * Accepts a message: one conditional write on its lane, or on the lane of the session's running turn, opens a turn or steers
 * the one in flight. It is acknowledged only when a worker will process it (P1), and a repeat is recognised by its id (P10).
 */
export async function acceptMessage(
  core: Core,
  sender: MessageSender,
  frame: MessageFrame,
  at: EpochMs,
): Promise<void> {
  const refusal = checkContent(frame, core.sessionSettings.imageUrls);
  if (refusal) {
    await reply(core, sender.id, refusal);
    // rule: refused-message-not-stored
    return;
  }
  const { session } = sender.connection;
  const turn = newTurnId(core);
  const { isApart, isHeld } = await acceptOrRefuse(core, sender, frame, { at, turn });
  if (isApart && /* rule: content-in-use-stays */ !isHeld)
    // rule: refused-content-removed
    await removeContents(core, session, [{ turn, size: 0 }]);
}

/**
 * Answers the message.
 *
 * @param attempt when its frame was received, and the turn that it may open
 * @returns whether its content is stored apart, and whether a lane refers to that
 */
async function acceptOrRefuse(
  core: Core,
  sender: MessageSender,
  frame: MessageFrame,
  { at, turn }: { at: EpochMs; turn: TurnId },
): Promise<{ isApart: boolean; isHeld: boolean }> {
  const { session, lane: ownId } = sender.connection;
  const id = frame.id === undefined ? newMessageId(core) : asMessageId(frame.id);
  const queued = frame.delivery === 'queue';
  const context = contextOf(sender.connection, frame.options);
  const said = {
    content: /* rule: content-kept-as-sent */ frame.content,
    ...(context !== undefined && { context }),
  };
  const size = bytesOf(frame.content) + bytesOf(context ?? '');
  let wantsApart = size > INLINE_BYTES;
  let isApart = false;
  const ended = (isHeld: boolean) => ({ isApart, isHeld });
  // A message that is known is answered as before, whatever has become of its files.
  const refusal = await checkFiles(core, session, frame.content, frame.id);
  let mayForward = core.sessionSettings.steerScope === 'session' && !queued;
  for (let tries = 1; tries <= MAX_ACCEPT_TRIES; tries++) {
    // Read before the write: the lane forgets an id after two turns, but the outcome is kept for a day. A new id has none.
    const outcome =
      frame.id === undefined
        ? undefined
        : /* rule: known-outcome-answers-repeat */ await core.store.get(messageKey(session, id));
    if (outcome) {
      await answerOutcome(core, sender.id, id, outcome);
      return ended(false);
    }
    if (refusal && !(await isKnown(core, session, ownId, id))) {
      await reply(core, sender.id, refusal);
      return ended(false);
    }
    if (wantsApart && !isApart) {
      // rule: content-before-message
      await putContent(core, session, turn, said);
      isApart = true;
    }
    const message = pendingMessage(frame, { at, turn, said: isApart ? { size } : said });
    const now = core.clock.now();
    const acceptance = { session, id, message, limits: core.limits, now, expires: expiry(core).lane };
    const destination =
      (mayForward && (await forwardedDestination(core, ownId, acceptance))) ||
      ownDestination(ownId, acceptance, queued);
    const { laneId } = destination;
    const accepted = refusal ? undefined : await take(core, session, destination);
    if (accepted) {
      core.metrics.count('MessagesAccepted');
      await acknowledge(core, sender, laneId, id, accepted, { duplicate: false });
      return ended(true);
    }
    const lane = await core.store.get(laneKey(session, laneId));
    if (!lane || lane.session !== session) {
      const deleted = await isDeleted(core, session);
      const expired = errorReply('INTERNAL', 'This connection has expired; connect again.', { id });
      await reply(core, sender.id, deleted ? sessionDeleted({ id }) : expired);
      return ended(false);
    }
    if (Object.hasOwn(lane.undelivered, id)) {
      await reportOutcomes(core, laneId, lane, sender.id);
      return ended(false);
    }
    if (pendingOn(lane, id) || (knows(lane, id) && tries >= OUTCOME_TRIES)) {
      // Either this function's write took effect and its answer was lost, or the client repeats the message. An id that is
      // known, not pending and without another outcome is in a turn.
      await acknowledge(core, sender, laneId, id, lane, { duplicate: frame.id !== undefined });
      return ended(pendingOn(lane, id)?.turn === turn);
    }
    if (knows(lane, id)) {
      await core.clock.sleep(OUTCOME_WAIT_MS);
      continue;
    }
    if (Object.hasOwn(lane.forwarded, id)) mayForward = true;
    const full = fullness(core, lane, id, message);
    if (full) {
      await reply(core, sender.id, full);
      // Without a worker a full inbox would refuse messages for ever.
      await repairLane(core, session, laneId);
      return ended(false);
    }
    // The lane holds enough content.
    wantsApart ||= lane.bytes + size > INLINE_BYTES;
  }
  throw new Error(`message ${id}: the lane refused it ${MAX_ACCEPT_TRIES} times without a reason`);
}

/** Tries the writes in order. Undefined: all were refused. */
async function take(
  core: Core,
  session: SessionKey,
  { laneId, writes }: Destination,
): Promise<Lane | undefined> {
  for (const write of writes) {
    const written = await core.store.update(laneKey(session, laneId), write);
    if (written.ok) return written.item;
  }
  return undefined;
}

async function forwardedDestination(
  core: Core,
  ownId: LaneId,
  acceptance: Acceptance,
): Promise<Destination | undefined> {
  const own = await core.store.get(laneKey(acceptance.session, ownId));
  return own && forwardDestination(core, ownId, own, acceptance);
}

/** @param said what the message says, or how many bytes of it are stored apart */
const pendingMessage = (
  frame: MessageFrame,
  { at, turn, said }: { at: EpochMs; turn: TurnId; said: Said | { size: number } },
): PendingMessage => ({
  ...said,
  turn,
  at,
  ...(frame.order !== undefined && { order: frame.order }),
  ...(frame.delivery === 'now' && { now: true }),
});

interface Said {
  content: Content;
  context?: string;
}

const isKnown = async (core: Core, session: SessionKey, lane: LaneId, id: MessageId): Promise<boolean> => {
  const read = await core.store.get(laneKey(session, lane));
  return read?.session === session && (knows(read, id) || Object.hasOwn(read.forwarded, id));
};

const pendingOn = (lane: Lane, id: MessageId): PendingMessage | undefined =>
  ownValue(lane.inbox, id) ?? ownValue(lane.waiting, id);

/** P2: a message that is refused here was never written. */
function checkContent({ content, id }: MessageFrame, takesUrls: boolean): ErrorReply | undefined {
  const about = id === undefined ? {} : { id };
  if (!takesUrls && hasImageUrl(content)) {
    return errorReply('INVALID_FRAME', 'This server takes no images by their URL.', about);
  }
  if (isBlank(content)) return errorReply('EMPTY_CONTENT', 'The message has no content.', about);
  const size = Buffer.byteLength(JSON.stringify(content));
  if (size <= MAX_CONTENT_BYTES) return undefined;
  const hint = takesUrls && imagesOf(content) > 0 ? ' A larger image can be sent by its URL.' : '';
  const text = `The content has ${size} bytes as JSON; at most ${MAX_CONTENT_BYTES} are accepted.${hint}`;
  return errorReply('MESSAGE_TOO_LARGE', text, { ...about, limit: MAX_CONTENT_BYTES, depth: size });
}

/** Why the lane has no room. Undefined: it has room by now. */
function fullness(
  { limits }: Core,
  lane: Lane,
  id: MessageId,
  message: PendingMessage,
): ErrorReply | undefined {
  const full = (text: string, limit: number, depth: number) =>
    errorReply('STEERING_QUEUE_FULL', `${text}; this message was not stored.`, { id, limit, depth });
  for (const pending of [lane.inbox, lane.waiting]) {
    const depth = Object.keys(pending).length;
    if (depth >= limits.inboxMessages)
      return full(`${depth} messages are pending already`, limits.inboxMessages, depth);
  }
  const ids = Object.keys(lane.ids).length;
  if (ids >= MAX_IDS) return full(`The running turn has ${ids} messages already`, MAX_IDS, ids);
  const outcomes = Object.keys(lane.undelivered).length;
  if (outcomes >= MAX_UNDELIVERED)
    return full(`${outcomes} outcomes of earlier messages were not received yet`, MAX_UNDELIVERED, outcomes);
  if (lane.bytes + contentBytes(message) > limits.inboxBytes) {
    return full(`${lane.bytes} bytes are pending already`, limits.inboxBytes, lane.bytes);
  }
  return undefined;
}
