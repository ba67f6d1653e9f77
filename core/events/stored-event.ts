import * as z from 'zod/mini';
import type { EpochMs } from '../../config/units.ts';
import { content } from '../../protocol/content.ts';
import type { ErrorCode, FailureReason } from '../../protocol/errors.ts';
import {
  EVENTS,
  type EventFrame,
  type EventOf,
  type EventType,
  type NotedFrame,
} from '../../protocol/events.ts';
import type { LaneId, MessageId, RequestId, TurnId } from '../ids.ts';
import type { Json } from '../json.ts';
import type { Caller, PromptShape, Verbatim, VerbatimPart } from '../model.ts';
import { outputText } from './output-text.ts';

/**
 * How each event of protocol/events.ts is stored, and what frame it becomes. Most are stored as they are sent. An event
 * without an entry in `FORMS`, or whose frame is not that of its definition, does not compile.
 */

/** What `turn_start` holds of a turn's `CallSetup`: what the session itself does not say. */
export interface TurnStartContext
  extends Partial<Pick<Caller, 'claims' | 'options' | 'locale' | 'timeZone'>> {
  /** Of the session. */
  name?: string;
  prepared?: Json;
  /** The lane of whoever asked, if the token of its connection is kept. */
  tokenLane?: LaneId;
}

/** What others are told of a turn that ended, beside its last event. */
export interface TurnFacts {
  began: EpochMs;
  ended: EpochMs;
  /** How many the turn has applied. */
  messages: number;
  steps: number;
  /** What its model calls used, in the fields of `done`. */
  usage: Readonly<Record<string, unknown>>;
  /** Of its last call. Not known of a turn whose session was deleted in between. */
  provider?: string;
  model?: string;
  /** Something of the agent's code follows the turn (core/turn/follow-up.ts). */
  followed?: true;
}

/** Which event of which turn it is. */
interface Head<T extends string> {
  type: T;
  seq: number;
  turn: TurnId;
}

/** The text of the event's turn, or undefined when not all of its chunks can be read any more. */
type TurnText = () => string | undefined;

/** Nothing but the fields of `T`: a stored field that is not sent does not slip into the frame. */
type Exactly<T, R extends T> = R & { [K in Exclude<keyof R, keyof T>]: never };

/** The stored fields of an event, beside its head, and its frame. */
function form<T extends EventType, F extends object, R extends EventOf<T>>(
  type: T,
  fields: z.core.$ZodType<F>,
  frame: (event: Head<T> & F, turnText: TurnText) => Exactly<EventOf<T>, R>,
) {
  const read = (seq: number, turn: TurnId, value: unknown): Head<T> & F => {
    if (!fits(fields, value)) throw new UnreadableEvent(`event ${seq}: these are no fields of "${type}"`);
    // The value itself, not the schema's copy: stored again, its bytes are the same.
    return { type, seq, turn, ...value };
  };
  return { fields, frame, read };
}

function fits<F>(schema: z.core.$ZodType<F>, value: unknown): value is F {
  return z.safeParse(schema, value).success;
}

/** The frame of an event that is stored as it is sent. */
const asStored = <T extends EventType, F extends object>({ type, seq, turn, ...fields }: Head<T> & F) => ({
  type,
  seq,
  turn_id: turn,
  ...fields,
});

/** When it happened. Never sent. */
const at = z.custom<EpochMs>((value) => typeof value === 'number');
/** Of a turn that ended, where a bus or the agent's code is told of it. Never sent. */
const facts = z.optional(z.custom<TurnFacts>((value) => typeof value === 'object' && value !== null));
/** Anything that JSON can hold: `JSON.parse` gives nothing else. */
const json = z.custom<Json>((value) => value !== undefined);
/** Of a list that grows. After a rollback, a word that a newer version stored is passed on as it is. */
const word = <W extends string>() => z.custom<W>((value) => typeof value === 'string');
/** An id: the field says of what. */
const id = <Kind extends string>() => z.custom<Kind>((value) => typeof value === 'string');
/** What a provider needs of a prompt. Never sent: it is for the worker that takes over. */
const shape = z.custom<PromptShape>((value) => typeof value === 'object' && value !== null);
/** Who asked, and what the agent's code prepared. Never sent: it is for the agent's code. */
const startContext = z.custom<TurnStartContext>((value) => typeof value === 'object' && value !== null);
/** The `seq` of the turn's first event: the turn's text is read from there, and not stored twice. */
const first = z.number();

export const OMITTED = { full_response: null, full_response_omitted: true } as const;
const fullResponse = (text: string | undefined) => (text === undefined ? OMITTED : { full_response: text });

const appliedMessage = z.object({
  id: id<MessageId>(),
  content,
  at,
  from: z.optional(word<'system'>()),
});
export type AppliedMessage = z.infer<typeof appliedMessage>;

const FORMS = {
  turn_start: form(
    'turn_start',
    z.object({
      message_ids: z.array(id<MessageId>()),
      entry: z.number(),
      at,
      agent: EVENTS.turn_start.fields.agent,
      context: z.optional(startContext),
    }),
    ({ type, seq, turn: turn_id, message_ids, agent }) => ({
      type,
      seq,
      turn_id,
      message_ids,
      ...(agent !== undefined && { agent }),
    }),
  ),
  applied: form(
    'applied',
    z.object({ ...EVENTS.applied.fields, messages: z.array(appliedMessage) }),
    ({ type, seq, turn: turn_id, messages, step }) => ({
      type,
      seq,
      turn_id,
      messages: messages.map(({ id, content, from }) => ({ id, content, ...(from && { from }) })),
      step,
    }),
  ),
  chunk: form('chunk', z.object(EVENTS.chunk.fields), asStored),
  thinking: form('thinking', z.object(EVENTS.thinking.fields), asStored),
  tool_call: form(
    'tool_call',
    z.object({
      id: z.string(),
      name: z.string(),
      args: json,
      provider_executed: z.optional(z.literal(true)),
    }),
    asStored,
  ),
  tool_result: form(
    'tool_result',
    z.object({
      id: z.string(),
      name: z.string(),
      output: json,
      shown: z.optional(json),
      is_error: z.optional(z.literal(true)),
      truncated: z.optional(z.literal(true)),
      output_length: z.optional(z.number()),
      provider_executed: z.optional(z.literal(true)),
    }),
    ({
      type,
      seq,
      turn: turn_id,
      id,
      name,
      output,
      is_error,
      truncated,
      output_length,
      provider_executed,
    }) => ({
      type,
      seq,
      turn_id,
      id,
      name,
      ...outputText(output),
      ...(is_error && { is_error }),
      ...(truncated && { truncated }),
      ...(output_length !== undefined && { output_length }),
      ...(provider_executed && { provider_executed }),
    }),
  ),
  approval_request: form(
    'approval_request',
    z.object({
      ...EVENTS.approval_request.fields,
      request_id: id<RequestId>(),
      arguments: z.optional(json),
      at,
      digest: z.optional(z.string()),
      covers: z.optional(z.string()),
    }),
    ({ type, seq, turn: turn_id, digest: _, covers: __, ...fields }) => ({
      type,
      seq,
      turn_id,
      ...fields,
    }),
  ),
  approval_resolved: form(
    'approval_resolved',
    z.object({ ...EVENTS.approval_resolved.fields, request_id: id<RequestId>() }),
    asStored,
  ),
  history_trimmed: form(
    'history_trimmed',
    z.object({ ...EVENTS.history_trimmed.fields, shape: z.optional(shape) }),
    ({ shape: _, ...event }) => asStored(event),
  ),
  model_changed: form(
    'model_changed',
    z.object({ ...EVENTS.model_changed.fields, reason: word<FailureReason>() }),
    asStored,
  ),
  done: form(
    'done',
    z.object({
      input_tokens: z.number(),
      output_tokens: z.number(),
      last_input_tokens: z.number(),
      cache_read_tokens: EVENTS.done.fields.cache_read_tokens,
      cache_write_tokens: EVENTS.done.fields.cache_write_tokens,
      reasoning_tokens: EVENTS.done.fields.reasoning_tokens,
      cost: EVENTS.done.fields.cost,
      currency: EVENTS.done.fields.currency,
      by_model: EVENTS.done.fields.by_model,
      model: z.string(),
      provider: z.string(),
      fallback_from: z.optional(z.string()),
      steps: z.number(),
      finish_reason: z.optional(z.string()),
      cached: z.optional(z.literal(true)),
      output: z.optional(json),
      output_omitted: EVENTS.done.fields.output_omitted,
      first,
      facts,
    }),
    ({ type, seq, turn: turn_id, first: _, facts: __, ...fields }, turnText) => ({
      type,
      seq,
      turn_id,
      ...fullResponse(/* rule: full-response-is-the-text */ turnText()),
      ...fields,
      tokens_used: fields.input_tokens + fields.output_tokens,
    }),
  ),
  aborted: form(
    'aborted',
    z.object({ ...EVENTS.aborted.fields, first, facts }),
    ({ type, seq, turn: turn_id, by }, turnText) => ({
      type,
      seq,
      turn_id,
      ...fullResponse(turnText()),
      by,
    }),
  ),
  error: form(
    'error',
    z.object({
      code: word<ErrorCode>(),
      message: z.string(),
      retryable: z.boolean(),
      reason: z.optional(word<FailureReason>()),
      until: EVENTS.error.fields.until,
      refused: z.optional(z.array(id<MessageId>())),
      first,
      facts,
    }),
    ({ type, seq, turn: turn_id, code, message, retryable, reason, until, refused }, turnText) => ({
      type,
      seq,
      turn_id,
      ...fullResponse(turnText()),
      code,
      message,
      terminal: true as const,
      retryable,
      ...(reason && { reason }),
      ...(until !== undefined && { until }),
      ...(refused && { refused }),
    }),
  ),
  source: form('source', z.object(EVENTS.source.fields), asStored),
  file: form('file', z.object(EVENTS.file.fields), asStored),
  compacted: form('compacted', z.object(EVENTS.compacted.fields), asStored),
  tool_progress: form(
    'tool_progress',
    z.object({
      id: z.string(),
      name: z.string(),
      output: json,
      truncated: z.optional(z.literal(true)),
      output_length: z.optional(z.number()),
      restarted: z.optional(z.literal(true)),
    }),
    ({ output, ...event }) => asStored({ ...event, ...outputText(output) }),
  ),
  data: form('data', z.object({ ...EVENTS.data.fields, data: json }), asStored),
  tool_output_request: form(
    'tool_output_request',
    z.object({
      ...EVENTS.tool_output_request.fields,
      request_id: id<RequestId>(),
      arguments: json,
      lane: id<LaneId>(),
      at,
    }),
    asStored,
  ),
  elicitation_request: form(
    'elicitation_request',
    z.object({
      ...EVENTS.elicitation_request.fields,
      request_id: id<RequestId>(),
      key: z.string(),
      state: z.optional(z.string()),
      at,
    }),
    ({ type, seq, turn: turn_id, key: _, state: __, ...fields }) => ({
      type,
      seq,
      turn_id,
      ...fields,
    }),
  ),
  elicitation_resolved: form(
    'elicitation_resolved',
    z.object({
      ...EVENTS.elicitation_resolved.fields,
      request_id: id<RequestId>(),
      content: z.optional(z.record(z.string(), json)),
    }),
    ({ type, seq, turn: turn_id, content: _, ...fields }) => ({ type, seq, turn_id, ...fields }),
  ),
} satisfies { [T in EventType]: unknown };

type StoredFields = { [T in EventType]: z.infer<(typeof FORMS)[T]['fields']> };
type StoredEvent<T extends EventType> = { [K in T]: Head<K> & StoredFields[K] }[T];

/** An event of a type that only a newer version of the functions knows (after a rollback): kept and sent as it is. */
interface ForeignEvent extends Head<'foreign'> {
  name: string;
  fields: object;
}

/**
 * What the last event of a finished model call carries beside its own fields: the whole call as its provider gave it. It is
 * stored with the event and never sent.
 */
interface Carries {
  verbatim?: Verbatim;
}

/** An event of a session: durable, numbered without holes (P9), never taken back (P3). */
export type TurnEvent = (StoredEvent<EventType> | ForeignEvent) & Carries;

/** An event before it has a number. */
export type EventDraft = { [T in EventType]: { type: T } & StoredFields[T] }[EventType] & Carries;

export const numbered = (draft: EventDraft, seq: number, turn: TurnId): TurnEvent => ({
  ...draft,
  seq,
  turn,
});

const verbatim = z.object({
  model: z.string(),
  parts: z.array(z.custom<VerbatimPart>((part) => typeof part === 'object' && part !== null)),
  paused: z.optional(z.literal(true)),
});

/** Of a form that only a newer version writes, it is left out: a prompt without it is one that the model takes, or is shaped anew. */
export const isVerbatim = (value: unknown): value is Verbatim => fits(verbatim, value);

/** A stored value is not an event: something other than these functions has written it. */
export class UnreadableEvent extends Error {
  override readonly name = 'UnreadableEvent';
}

/** @throws {UnreadableEvent} for what no version of the functions stores */
export function readEvent(seq: number, turn: TurnId, name: string, fields: unknown): TurnEvent {
  // biome-ignore lint/plugin: `isEventType` has found the name among its own properties
  if (isEventType(name)) return FORMS[name].read(seq, turn, fields);
  if (typeof fields !== 'object' || fields === null)
    throw new UnreadableEvent(`event ${seq}: "${name}" has no fields`);
  return { type: 'foreign', seq, turn, name, fields };
}

const isEventType = (name: string): name is EventType => Object.hasOwn(FORMS, name);

type Frames = { [T in EventType]: { frame(event: StoredEvent<T>, turnText: TurnText): EventOf<T> } };
const FRAMES: Frames = FORMS;

const knownFrame = <T extends EventType>(event: StoredEvent<T>, turnText: TurnText): EventOf<T> =>
  FRAMES[event.type].frame(event, turnText);

/** The event as clients are sent it. `turnText` is called for an event that ends a turn. */
export function wireForm(
  { verbatim: _, ...event }: TurnEvent,
  turnText: TurnText,
): EventFrame | ForeignFrame {
  if (event.type !== 'foreign') return knownFrame(event, turnText);
  const { seq, turn: turn_id, name, fields } = event;
  return { type: name, seq, turn_id, ...fields };
}

/** After a rollback, an event that a newer version put into the transcript is passed on as it is. */
const noted = z.custom<NotedFrame>((frame) => typeof frame === 'object');

/** The event as the transcript gives it: what ends a turn comes without the turn's text, which is in the entries before. */
export const notedForm = (event: TurnEvent): NotedFrame =>
  z.parse(
    noted,
    wireForm(event, () => undefined),
  );

interface ForeignFrame {
  type: string;
  seq: number;
  turn_id: string;
}
