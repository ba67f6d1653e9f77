import * as z from 'zod/mini';
import type { ClientFrame } from '../../protocol/client-frames.ts';
import { MAX_FRAME_LEVELS, MAX_LABEL_LENGTH, MAX_OPTIONS_BYTES } from '../../protocol/limits.ts';
import type { Accepted, ErrorReply, ReplyFrame } from '../../protocol/server-frames.ts';
import { cutAt, wellFormed } from '../../protocol/text.ts';
import { type Core, expiry } from '../core.ts';
import { asConnectionId, asLaneId, asMessageId, asSessionId, type SessionKey } from '../ids.ts';
import { bytesOfJson, levelsOf } from '../json-bytes.ts';
import type { Origin } from '../message-context.ts';
import { type ErrorDetails, errorReply, sessionDeleted, withdrawalReply } from '../replies.ts';
import type { Principal } from '../store/items.ts';
import { laneKey, messageKey, sessionKey, sessionOf } from '../store/keys.ts';
import { emptyLane } from '../store/lane/lane.ts';
import { ensureSession } from '../store/session-writes.ts';
import type { MessageSender } from './acknowledge.ts';
import { acceptMessage } from './message.ts';
import { parseFrame } from './parse-frame.ts';
import { excessOf, tooMany } from './rate.ts';

/**
 * Messages that the application sends to a session by itself: no client, no connection. Each is accepted as a client's is, on
 * one lane of the session that they all share. What a client would be replied is the answer.
 */

/** What became of it, as a client would be told. */
export type SystemAnswer = Accepted | Extract<ReplyFrame, { type: 'cancelled' }> | ErrorReply;

/** Of every session. Its item has no connection, so that no client can continue it. */
const LANE = asLaneId('system');

/** A message that is tried again after a limit withdrew it has a new id: `m1`, `m1~2`, `m1~3`. */
const ATTEMPT = /~\d{1,3}$/;
const MAX_ATTEMPTS = 100;
/** Leaves room for that in an id. */
const MAX_ID_LENGTH = 60;

const input = z.object({
  session_id: z.string(),
  /** The session's name, if this makes it. */
  name: z.optional(z.string().check(z.minLength(1))),
  /** Whether the session is made if there is none. */
  create: z.optional(z.boolean()),
  /** As if a token had proved them. */
  claims: z.optional(z.record(z.string(), z.unknown())),
  agent: z.optional(z.string()),
  locale: z.optional(z.string()),
  time_zone: z.optional(z.string()),
  message: z.object({
    id: z.string(),
    content: z.unknown(),
    delivery: z.optional(z.string()),
    options: z.optional(z.unknown()),
  }),
});

type Connect = Extract<ClientFrame, { type: 'connect' }>;
type Message = Extract<ClientFrame, { type: 'message' }> & { id: string };

interface SystemMessage {
  message: Message;
  sessionId: string;
  name?: string;
  create: boolean;
  origin: Origin;
}

/**
 * Accepts a message of the application, or refuses it. A repeat of its id is answered as before (P10), but if a limit has withdrawn
 * it: then it is tried again, as a later version of the same message.
 *
 * @param given JSON of whoever calls: nothing of it is trusted but that it may speak for the principal
 * @throws what the store and the queues throw: nobody knows whether it was accepted
 */
export async function sendSystemMessage(
  core: Core,
  principal: Principal,
  given: unknown,
): Promise<SystemAnswer> {
  const read = readMessage(given);
  if ('type' in read) return refused(core, read);
  const about = { id: read.message.id };
  const session = sessionOf(principal, asSessionId(read.sessionId));
  const excess = await excessOf(core, principal, 'system');
  if (excess) return refused(core, tooMany(excess, about.id));
  const refusal = await openLane(core, principal, session, read);
  if (refusal) return refused(core, { ...refusal, ...about });
  const message = { ...read.message, id: await nextAttempt(core, session, about.id) };
  return accept(core, { session, lane: LANE, ...read.origin, from: 'system' }, message);
}

function refused(core: Core, error: ErrorReply): ErrorReply {
  core.metrics.countBy('Refused', error.code);
  return error;
}

/** The input around a message is one level more than a frame. */
const MAX_LEVELS = MAX_FRAME_LEVELS + 1;

/** The same rules as for the frames of a client, which say the same in the same fields. */
function readMessage(given: unknown): SystemMessage | ErrorReply {
  if (isDeep(given))
    return invalid('input', `it must have at most ${MAX_LEVELS} levels of objects and arrays`);
  const shape = input.safeParse(wellFormed(given));
  if (!shape.success) {
    const [issue] = shape.error.issues;
    return invalid(issue?.path.join('.') || 'input', issue?.message ?? 'see docs/outside-messages.md');
  }
  const { session_id, name, create = false, claims, agent, locale, time_zone, message: said } = shape.data;
  const connect = parseFrame(JSON.stringify({ type: 'connect', session_id, agent, locale, time_zone }));
  if (!connect.ok) return connect.error;
  const { id, content, delivery, options } = said;
  const message = parseFrame(JSON.stringify({ type: 'message', id, content, delivery, options }));
  if (!message.ok) return message.error;
  if (id.length > MAX_ID_LENGTH)
    return invalid('message.id', `it must have at most ${MAX_ID_LENGTH} characters`, { id });
  if (ATTEMPT.test(id)) return invalid('message.id', 'it must not end in "~" and a number', { id });
  if (claims !== undefined && bytesOfJson(claims) > MAX_OPTIONS_BYTES)
    return invalid('claims', `they must have at most ${MAX_OPTIONS_BYTES} bytes as JSON`, { id });
  return {
    message: { ...(message.frame as Message) },
    sessionId: session_id,
    ...(name !== undefined && { name: name.slice(0, cutAt(name, MAX_LABEL_LENGTH)) }),
    create,
    origin: originOf(connect.frame as Connect, claims),
  };
}

function isDeep(given: unknown): boolean {
  try {
    return levelsOf(JSON.stringify(given) ?? '') > MAX_LEVELS;
  } catch {
    // The stack is too small for all of its levels.
    return true;
  }
}

const invalid = (field: string, rule: string, details: ErrorDetails = {}): ErrorReply =>
  errorReply('INVALID_FRAME', `The field "${field}" is not valid: ${rule}.`, details);

const originOf = ({ agent, locale, time_zone }: Connect, claims: object | undefined): Origin => ({
  ...(claims !== undefined && { claims: JSON.stringify(claims) }),
  ...(agent !== undefined && { agent }),
  ...(locale !== undefined && { locale }),
  ...(time_zone !== undefined && { timeZone: time_zone }),
});

const noSession = () => errorReply('SESSION_NOT_FOUND', 'This principal has no such session.');

/** Sees to it that the session has the lane. @returns why not */
async function openLane(
  core: Core,
  principal: Principal,
  key: SessionKey,
  { create, name, sessionId }: SystemMessage,
): Promise<ErrorReply | undefined> {
  const [session, lane] = await Promise.all([
    core.store.get(sessionKey(key)),
    core.store.get(laneKey(key, LANE)),
  ]);
  if (session?.deleted !== undefined) return sessionDeleted();
  const expires = expiry(core);
  if (session?.copying) return noSession();
  if (!session) {
    if (!create) return noSession();
    const made = await core.store.update(
      sessionKey(key),
      ensureSession(principal, asSessionId(sessionId), name, core.clock.now(), expires.session),
    );
    if (!made.ok) return sessionDeleted();
  }
  // rule: system-lane-is-made-once
  if (!lane) await core.store.putIfAbsent(laneKey(key, LANE), emptyLane(key, undefined, expires.lane));
  return undefined;
}

/** The id of the first attempt that no limit has withdrawn. What was withdrawn stays so, and its id with it. */
async function nextAttempt(core: Core, session: SessionKey, id: string): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    const name = attempt === 1 ? id : `${id}~${attempt}`;
    const outcome = await core.store.get(messageKey(session, asMessageId(name)));
    if (outcome?.outcome !== 'withdrawn' || attempt === MAX_ATTEMPTS) return name;
    const told = withdrawalReply(asMessageId(name), outcome, core);
    if (/* rule: final-withdrawal-stays */ told.type !== 'error' || !told.retryable) return name;
  }
}

async function accept(
  core: Core,
  connection: MessageSender['connection'],
  message: Message,
): Promise<SystemAnswer> {
  const here = asConnectionId(core.newId());
  const answers: SystemAnswer[] = [];
  const gateway: Core['gateway'] = {
    async post(to, frame) {
      if (to !== here) return core.gateway.post(to, frame);
      answers.push(JSON.parse(frame));
      return 'sent';
    },
    disconnect: (to) => core.gateway.disconnect(to),
  };
  await acceptMessage({ ...core, gateway }, { id: here, connection }, message, core.clock.now());
  // Of others too, if outcomes were still to be reported.
  const answer = answers.findLast((one) => isAbout(one, message.id));
  if (!answer) throw new Error(`message ${message.id} was not answered`);
  return answer;
}

const isAbout = (answer: SystemAnswer, id: string): boolean =>
  answer.type === 'cancelled' ? answer.ids.includes(id) : answer.id === id;
