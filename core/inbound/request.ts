import { type EpochMs, epochMs } from '../../config/units.ts';
import type { ClientFrame, MessageFrame } from '../../protocol/client-frames.ts';
import { MAX_FRAME_BYTES } from '../../protocol/limits.ts';
import type { ErrorReply, ReplyFrame } from '../../protocol/server-frames.ts';
import { wellFormed } from '../../protocol/text.ts';
import type { Core } from '../core.ts';
import { asLaneId, asSessionId, newMessageId } from '../ids.ts';
import type { Origin } from '../message-context.ts';
import { errorReply, sessionDeleted } from '../replies.ts';
import { endedEntries, isShown, lastSeq, runningTurn, viewSession } from '../session/sessions.ts';
import type { Principal, Session } from '../store/items.ts';
import { sessionKey, sessionOf } from '../store/keys.ts';
import { abortTurn } from './abort.ts';
import type { Sender } from './acknowledge.ts';
import { sendHistory } from './history.ts';
import { acceptMessage } from './message.ts';
import { parseFrame, tooDeep } from './parse-frame.ts';
import { excessOf, excessOfFrame, tooMany } from './rate.ts';
import { removeSession, sendSessions } from './sessions.ts';
import { answerAbout, cutName, noSession, openLane, readOrigin, repliesTo } from './without-connection.ts';

/**
 * Requests of the HTTP API. Each is a frame of a client without a connection: it is read by the same rules, counted with the
 * frames, handled by the same code, and its answer is what the client would be replied. Every key is made with the caller's
 * principal, so the sessions of others do not exist here (P12).
 */

/** Of every session that was sent a message by HTTP. Its item has no connection, so that no client can continue it. */
const LANE = asLaneId('http');

/** Who makes a request, as the authorizer says. */
export interface Requester {
  principal: Principal;
  /** The principal whose frames are counted. Absent if all callers have the same one. */
  countedFor?: Principal;
  /** What the token proved: JSON text. */
  claims?: string;
}

/** The frames that a request can be. */
export type RequestType = Extract<
  ClientFrame['type'],
  'message' | 'abort' | 'history' | 'sessions' | 'delete'
>;

/**
 * How a session stands.
 *
 * - `idle`: no turn runs or waits.
 * - `queued`: a turn waits for its worker.
 * - `running`: a turn has begun.
 */
export interface SessionState {
  session_id: string;
  state: 'idle' | 'queued' | 'running';
  name?: string;
  /** Of the turn that runs. */
  turn_id?: string;
  turn_started_at?: EpochMs;
  /** Entries of the transcript, without those of the running turn. */
  message_count: number;
  /** The number of the last event: what `resume` of a `connect` takes as `after_seq`. */
  last_seq: number;
}

/**
 * Handles a request that is a frame.
 *
 * @param body JSON text: the frame's fields without `type`. A message may also have `agent`, `locale`, `time_zone`, as `connect`
 *   has them, and `name`, that of a session which it makes
 * @param sessionId as the address names it, unchecked. The frame `sessions` has none
 * @returns the reply. Undefined: an abort is under way, or has withdrawn what waited
 * @throws what the store and the queues throw: nobody knows whether it was done
 */
export async function answerRequest(
  core: Core,
  requester: Requester,
  { type, body, sessionId = '-' }: { type: RequestType; body: string; sessionId?: string },
): Promise<ReplyFrame | undefined> {
  const parsed = readFrame(type, body, sessionId);
  const frame = 'frame' in parsed ? parsed.frame : undefined;
  const { countedFor, principal } = requester;
  const excess = countedFor && (await excessOfFrame(core, countedFor, frame));
  const about = frame?.type === 'message' ? frame.id : undefined;
  if (excess) return refused(core, tooMany({ ...excess, kind: withoutFlood(excess.kind) }, about));
  if (!frame || !('frame' in parsed)) return refused(core, (parsed as { error: ErrorReply }).error);
  const origin = readOrigin({ session_id: sessionId, ...parsed.origin }, requester.claims);
  if ('type' in origin) return refused(core, { ...origin, ...(about !== undefined && { id: about }) });
  const id = asSessionId(sessionId);
  const session = sessionOf(principal, id);
  const sender = { principal, session, lane: LANE };
  switch (frame.type) {
    case 'message': {
      const place = { ...sender, sessionId: id };
      const named = parsed.name === undefined ? {} : { name: parsed.name };
      const refusal = await openLane(core, place, { create: true, ...named });
      if (refusal) return refused(core, { ...refusal, ...(about !== undefined && { id: about }) });
      return accept(core, { ...sender, ...origin }, frame);
    }
    case 'abort':
    case 'history': {
      const refusal = absent(await core.store.get(sessionKey(session)), sessionId);
      if (refusal) return refused(core, refusal);
      const replies = await repliesTo(core, (answering, here) =>
        frame.type === 'abort'
          ? abortTurn(answering, { id: here, connection: sender }, frame)
          : sendHistory(answering, { id: here, connection: sender }, frame),
      );
      // What became of messages meanwhile is told in frames of its own, which name them. An abort is answered only if it is refused.
      return replies.findLast(
        (reply) => frame.type === 'history' || (reply.type === 'error' && reply.id === undefined),
      );
    }
    case 'delete':
    case 'sessions': {
      const [reply] = await repliesTo(core, (answering, here) =>
        frame.type === 'delete'
          ? removeSession(answering, { id: here, connection: sender }, id)
          : sendSessions(answering, { id: here, connection: sender }, frame),
      );
      return reply;
    }
  }
}

/** Reads how a session stands. It counts as a frame. */
export async function readState(
  core: Core,
  { principal, countedFor }: Requester,
  sessionId: string,
): Promise<SessionState | ErrorReply> {
  const excess = countedFor && (await excessOf(core, countedFor, 'frames'));
  if (excess) return refused(core, tooMany({ ...excess, kind: withoutFlood(excess.kind) }, undefined));
  const origin = readOrigin({ session_id: sessionId }, undefined);
  if ('type' in origin) return refused(core, origin);
  const view = await viewSession(core, sessionOf(principal, asSessionId(sessionId)));
  const { session } = view;
  const refusal = absent(session, sessionId);
  if (refusal || !session) return refused(core, refusal ?? noSession());
  const running = runningTurn(view);
  const isQueued = Object.keys(session.queue ?? {}).length > 0;
  return {
    session_id: sessionId,
    state: running ? 'running' : isQueued ? 'queued' : 'idle',
    ...(session.name !== undefined && { name: wellFormed(session.name) }),
    ...(running && { turn_id: running.turn, turn_started_at: epochMs(running.at) }),
    message_count: endedEntries(view),
    last_seq: lastSeq(view),
  };
}

/** A request is no connection that could be closed. */
const withoutFlood = <Kind>(kind: Kind) => (kind === 'flood' ? 'over' : kind) as Exclude<Kind, 'flood'>;

function refused(core: Core, error: ErrorReply): ErrorReply {
  core.metrics.countBy('Refused', error.code);
  return error;
}

/** Why there is nothing to show of a session. */
function absent(item: Session | undefined, session_id: string): ErrorReply | undefined {
  if (item?.deleted !== undefined) return sessionDeleted({ session_id });
  return isShown(item) ? undefined : noSession({ session_id });
}

type RequestFrame = Extract<ClientFrame, { type: RequestType }>;

type Read =
  | { error: ErrorReply }
  | {
      frame: RequestFrame;
      origin: { agent?: unknown; locale?: unknown; time_zone?: unknown };
      name?: string;
    };

function readFrame(type: RequestType, body: string, session_id: string): Read {
  const size = Buffer.byteLength(body);
  if (size > MAX_FRAME_BYTES) {
    const text = `The body has ${size} bytes; at most ${MAX_FRAME_BYTES} are accepted.`;
    return { error: errorReply('MESSAGE_TOO_LARGE', text, { limit: MAX_FRAME_BYTES, depth: size }) };
  }
  const depth = tooDeep(body);
  if (depth !== undefined) return { error: errorReply('INVALID_FRAME', depth) };
  const fields = fieldsIn(body);
  const said = fields && { ...fields, type, ...(type === 'delete' && { session_id }) };
  const parsed = parseFrame(said ? JSON.stringify(said) : body);
  if (!parsed.ok) return { error: parsed.error };
  const { agent, locale, time_zone, name } = fields ?? {};
  if (name !== undefined && (typeof name !== 'string' || name === '')) {
    return { error: errorReply('INVALID_FRAME', 'The field "name" is not valid: it must be a text.') };
  }
  return {
    frame: parsed.frame as RequestFrame,
    origin: type === 'message' ? { agent, locale, time_zone } : {},
    ...(typeof name === 'string' && { name: cutName(wellFormed(name)) }),
  };
}

/** Undefined for what is no JSON object: `parseFrame` says so. */
function fieldsIn(body: string): Record<string, unknown> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return undefined;
  }
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}

/** A message without an id gets one here, by which its answer is found among the replies. */
async function accept(
  core: Core,
  connection: Sender['connection'] & Origin,
  frame: MessageFrame,
): Promise<ReplyFrame> {
  const id = frame.id ?? newMessageId(core);
  const replies = await repliesTo(core, (answering, here) =>
    acceptMessage(answering, { id: here, connection }, { ...frame, id }, core.clock.now()),
  );
  return answerAbout(replies, id);
}
