import * as z from 'zod/mini';
import type { ClientFrame } from '../../protocol/client-frames.ts';
import { MAX_FRAME_LEVELS, MAX_OPTIONS_BYTES } from '../../protocol/limits.ts';
import type { ErrorReply } from '../../protocol/server-frames.ts';
import { wellFormed } from '../../protocol/text.ts';
import type { Core } from '../core.ts';
import { asLaneId, asMessageId, asSessionId, type SessionKey } from '../ids.ts';
import { bytesOfJson, levelsOf } from '../json-bytes.ts';
import type { Origin } from '../message-context.ts';
import { type ErrorDetails, errorReply, withdrawalReply } from '../replies.ts';
import type { Principal } from '../store/items.ts';
import { messageKey, sessionOf } from '../store/keys.ts';
import { acceptMessage } from './message.ts';
import { parseFrame } from './parse-frame.ts';
import { excessOf, tooMany } from './rate.ts';
import {
  answerAbout,
  cutName,
  type MessageAnswer,
  openLane,
  readOrigin,
  repliesTo,
} from './without-connection.ts';

/**
 * Messages that the application sends to a session by itself: no client, no connection. Each is accepted as a client's is, on
 * one lane of the session that they all share. What a client would be replied is the answer.
 */

/** What became of it, as a client would be told. */
export type SystemAnswer = MessageAnswer;

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
  const place = { principal, session, sessionId: asSessionId(read.sessionId), lane: LANE };
  const refusal = await openLane(core, place, read);
  if (refusal) return refused(core, { ...refusal, ...about });
  const message = { ...read.message, id: await nextAttempt(core, session, about.id) };
  const connection = { session, lane: LANE, ...read.origin, from: 'system' } as const;
  const replies = await repliesTo(core, (answering, id) =>
    acceptMessage(answering, { id, connection }, message, core.clock.now()),
  );
  return answerAbout(replies, message.id);
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
  const origin = readOrigin({ session_id, agent, locale, time_zone }, claims && JSON.stringify(claims));
  if ('type' in origin) return origin;
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
    ...(name !== undefined && { name: cutName(name) }),
    create,
    origin,
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
