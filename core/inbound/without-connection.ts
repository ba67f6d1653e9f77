import type { ConnectFrame } from '../../protocol/client-frames.ts';
import { MAX_LABEL_LENGTH } from '../../protocol/limits.ts';
import type { ErrorReply, ReplyFrame } from '../../protocol/server-frames.ts';
import { cutAt } from '../../protocol/text.ts';
import { type Core, expiry } from '../core.ts';
import { asConnectionId, type ConnectionId, type LaneId, type SessionId, type SessionKey } from '../ids.ts';
import type { Origin } from '../message-context.ts';
import { type ErrorDetails, errorReply, sessionDeleted } from '../replies.ts';
import type { Principal } from '../store/items.ts';
import { laneKey, sessionKey } from '../store/keys.ts';
import { emptyLane } from '../store/lane/lane.ts';
import { ensureSession } from '../store/session-writes.ts';
import { parseFrame } from './parse-frame.ts';

/**
 * What the handlers of frames need from callers that have no connection: an application that sends messages by itself, and whoever
 * uses the HTTP API. Each of these two has one lane in a session, which has no connection, so that no client can continue it.
 */

export const noSession = (details: ErrorDetails = {}) =>
  errorReply('SESSION_NOT_FOUND', 'This principal has no such session.', details);

export const cutName = (name: string): string => name.slice(0, cutAt(name, MAX_LABEL_LENGTH));

/**
 * Reads what a `connect` says for all messages of its connection, by the same rules.
 *
 * @param claims what the caller has proved, as JSON text
 */
export function readOrigin(
  said: { session_id: string; agent?: unknown; locale?: unknown; time_zone?: unknown },
  claims: string | undefined,
): Origin | ErrorReply {
  const connect = parseFrame(JSON.stringify({ ...said, type: 'connect' }));
  if (!connect.ok) return connect.error;
  const { agent, locale, time_zone } = connect.frame as ConnectFrame;
  return {
    ...(claims !== undefined && { claims }),
    ...(agent !== undefined && { agent }),
    ...(locale !== undefined && { locale }),
    ...(time_zone !== undefined && { timeZone: time_zone }),
  };
}

/** Sees to it that the session has the lane. @returns why not */
export async function openLane(
  core: Core,
  {
    principal,
    session: key,
    sessionId,
    lane: laneId,
  }: { principal: Principal; session: SessionKey; sessionId: SessionId; lane: LaneId },
  { create, name }: { create: boolean; name?: string },
): Promise<ErrorReply | undefined> {
  const [session, lane] = await Promise.all([
    core.store.get(sessionKey(key)),
    core.store.get(laneKey(key, laneId)),
  ]);
  if (session?.deleted !== undefined) return sessionDeleted();
  const expires = expiry(core);
  if (session?.copying) return noSession();
  if (!session) {
    if (!create) return noSession();
    const made = await core.store.update(
      sessionKey(key),
      ensureSession(principal, sessionId, name, core.clock.now(), expires.session),
    );
    if (!made.ok) return sessionDeleted();
  }
  // rule: system-lane-is-made-once
  if (!lane) await core.store.putIfAbsent(laneKey(key, laneId), emptyLane(key, undefined, expires.lane));
  return undefined;
}

/**
 * Runs the handler of a frame, and gives what it replied to its sender, in order. Other connections are posted to as always.
 *
 * @param run gets a core that takes the replies, and the id of the connection that the sender seems to have
 */
export async function repliesTo(
  core: Core,
  run: (core: Core, here: ConnectionId) => Promise<void>,
): Promise<ReplyFrame[]> {
  const here = asConnectionId(core.newId());
  const replies: ReplyFrame[] = [];
  const gateway: Core['gateway'] = {
    async post(to, frame) {
      if (to !== here) return core.gateway.post(to, frame);
      replies.push(JSON.parse(frame));
      return 'sent';
    },
    disconnect: (to) => core.gateway.disconnect(to),
  };
  await run({ ...core, gateway }, here);
  return replies;
}

/** What a message's sender is told of it. */
export type MessageAnswer = Extract<ReplyFrame, { type: 'accepted' | 'cancelled' | 'error' }>;

/** The answer to a message among the replies: others may have been told of, if their outcomes were still to be reported. */
export function answerAbout(replies: readonly ReplyFrame[], id: string): MessageAnswer {
  const answer = replies.findLast((one): one is MessageAnswer => isAbout(one, id));
  if (!answer) throw new Error(`message ${id} was not answered`);
  return answer;
}

const isAbout = (reply: ReplyFrame, id: string): boolean => {
  switch (reply.type) {
    case 'cancelled':
      return reply.ids.includes(id);
    case 'accepted':
    case 'error':
      return reply.id === id;
    default:
      return false;
  }
};
