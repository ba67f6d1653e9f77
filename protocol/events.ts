import * as z from 'zod/mini';
import { DECISIONS } from './client-frames.ts';
import { content, contentSentences } from './content.ts';
import { ERROR_CODES, FAILURE_REASONS } from './errors.ts';

/**
 * Every event, defined once. Types, schemas, AsyncAPI, JSON Schema and the tables of docs/protocol.md follow from this
 * table; a place in the code that has to handle a new event does not compile until it does. How to add one:
 * docs/contributing/add-an-event.md.
 *
 * An event belongs to a turn. It is durable before it is posted (P4) and numbered without holes within its session (P9).
 */

const count = z.int().check(z.nonnegative());

/** The fields that every event has. */
const commonFields = { seq: z.int().check(z.positive()), turn_id: z.string() };
export const COMMON_SENTENCES = {
  seq: 'The event’s number in its session: one more than that of the event before, from 1.',
  turn_id: 'The turn that it belongs to.',
} as const;

/**
 * The fields that every event has which ends a turn. `full_response` equals the turn's chunks put together (P3). If that
 * does not fit into one frame, it is null and `full_response_omitted` is true.
 */
const endFields = {
  full_response: z.nullable(z.string()),
  full_response_omitted: z.optional(z.literal(true)),
};
const END_SENTENCES = {
  full_response: 'All chunks of the turn put together; null when that would not fit into a frame.',
  full_response_omitted:
    'Present and true when `full_response` is null: the chunks, or `history`, have the text.',
} as const;

type Fields = Readonly<Record<string, z.core.$ZodType>>;
/** A sentence for each field, and for each nested one by its path: `messages[].id`. The generator checks the paths. */
type Sentences<F> = Readonly<Record<keyof F, string>> &
  Readonly<Record<`${string}.${string}` | `${string}[]${string}`, string>>;

interface Definition<F extends Fields> {
  /** When it is sent, and what it means. */
  summary: string;
  /** The fields of this event alone. */
  fields: F;
  sentences: Sentences<F>;
}

/** An event within a turn. */
function event<T extends string, F extends Fields>(type: T, { summary, fields, sentences }: Definition<F>) {
  const schema = z.object({ type: z.literal(type), ...commonFields, ...fields });
  return { summary, fields, sentences: { ...COMMON_SENTENCES, ...sentences }, schema };
}

/** An event that ends its turn. */
function end<T extends string, F extends Fields>(type: T, { summary, fields, sentences }: Definition<F>) {
  const schema = z.object({ type: z.literal(type), ...commonFields, ...endFields, ...fields });
  return { summary, fields, sentences: { ...COMMON_SENTENCES, ...END_SENTENCES, ...sentences }, schema };
}

/** A tool's output is always text on the wire: clients of the gateway that this protocol extends show it as it is. */
export const toolOutput = {
  output: z.string(),
  json: z.optional(z.literal(true)),
  is_error: z.optional(z.boolean()),
};

/** By `type`, in the order of the documents. */
export const EVENTS = {
  turn_start: event('turn_start', {
    summary: 'A turn begins.',
    fields: { message_ids: z.array(z.string()), resumed: z.optional(z.boolean()) },
    sentences: {
      message_ids: 'The messages that it begins with.',
      resumed: 'Reserved: never sent by this server.',
    },
  }),
  applied: event('applied', {
    summary:
      'User messages were taken in here: everything that the agent says from now on knows them. The messages that began the turn come first; steering follows where it was taken in.',
    fields: {
      messages: z.array(z.object({ id: z.string(), content })),
      step: z.int().check(z.positive()),
    },
    sentences: {
      messages: 'In the order in which the agent sees them.',
      'messages[].id': 'The id of the message.',
      ...contentSentences('messages[].content', 'Its content, as it was sent.'),
      step: 'The model call that sees these messages first, counted from 1 within the turn.',
    },
  }),
  chunk: event('chunk', {
    summary: 'A piece of the answer. Text that was sent is never taken back or replaced.',
    fields: { content: z.string(), offset: count },
    sentences: {
      content: 'To be appended.',
      offset: 'Where it begins in the turn’s text, in UTF-16 code units (indices of a JavaScript string).',
    },
  }),
  thinking: event('thinking', {
    summary: 'What the model thinks aloud. Never part of the answer, nor of the transcript.',
    fields: { content: z.string() },
    sentences: { content: 'To be appended to what it thought before.' },
  }),
  tool_call: event('tool_call', {
    summary: 'The agent calls a tool.',
    fields: { id: z.string(), name: z.string(), args: z.json(), truncated: z.optional(z.boolean()) },
    sentences: {
      id: 'The call, unique within the turn.',
      name: 'The tool.',
      args: 'Its arguments; null when `truncated`.',
      truncated: 'True when the arguments do not fit into a frame.',
    },
  }),
  tool_result: event('tool_result', {
    summary: 'The one result of a tool call. Also an aborted or failed turn has one for each of its calls.',
    fields: { id: z.string(), name: z.string(), ...toolOutput, truncated: z.optional(z.boolean()) },
    sentences: {
      id: 'The call.',
      name: 'The tool.',
      output: 'What it gave, as text.',
      json: 'True when the tool gave something other than text: `output` is its JSON text.',
      is_error: 'True when it failed, or did not get to its end.',
      truncated: 'True when the output was cut to fit into a frame.',
    },
  }),
  approval_request: event('approval_request', {
    summary:
      'A tool call waits for a person’s decision. Answered with `approval_response` by any connection of the session; the first answer counts.',
    fields: {
      request_id: z.string(),
      tool_call_id: z.string(),
      tool: z.string(),
      arguments_summary: z.string(),
      timeout_secs: z.number(),
    },
    sentences: {
      request_id: 'To be named in the answer.',
      tool_call_id: 'The `id` of the call that waits.',
      tool: 'The tool.',
      arguments_summary:
        'What it would be called with, as JSON of at most 1000 characters, without secret values.',
      timeout_secs: 'Seconds after which it counts as denied.',
    },
  }),
  approval_resolved: event('approval_resolved', {
    summary:
      'What became of a request, once for each. A call that was denied has a `tool_result` that says so; one that was approved runs.',
    fields: {
      request_id: z.string(),
      decision: z.enum(DECISIONS),
      reason: z.enum(['answer', 'always', 'timeout', 'aborted']),
      by: z.optional(z.string()),
    },
    sentences: {
      request_id: 'The request.',
      decision: 'What was decided. `always` holds for all later calls of this tool in this session.',
      reason:
        '`answer`: by a person. `always`: by an earlier `always`. `timeout`: nobody answered. `aborted`: the turn was stopped.',
      by: 'Whose answer it was: the subject of the principal.',
    },
  }),
  history_trimmed: event('history_trimmed', {
    summary:
      'The transcript is longer than the model’s budget: its oldest turns were left out of the prompt.',
    fields: { dropped_messages: count, kept_turns: count, reason: z.string() },
    sentences: {
      dropped_messages:
        'Entries of the transcript that were left out: those before the turns that were kept.',
      kept_turns: 'Earlier turns that were kept.',
      reason: '`context_tokens`: the setting that earlier turns no longer fit into.',
    },
  }),
  model_changed: event('model_changed', {
    summary:
      'The model failed before anything of its call was visible, and the rest of the turn is another model’s. The next turn begins with the first one again.',
    fields: {
      model: z.string(),
      provider: z.string(),
      fallback_from: z.string(),
      reason: z.enum(FAILURE_REASONS),
    },
    sentences: {
      model: 'The model that goes on.',
      provider: 'Who runs it.',
      fallback_from: 'The model that failed, as `provider:model`.',
      reason: 'What it failed of: as in `error`.',
    },
  }),
  done: end('done', {
    summary: 'The turn was answered, and no message waits in its inbox.',
    fields: {
      input_tokens: count,
      output_tokens: count,
      tokens_used: count,
      last_input_tokens: count,
      model: z.string(),
      provider: z.string(),
      fallback_from: z.optional(z.string()),
      steps: count,
      cached: z.optional(z.boolean()),
    },
    sentences: {
      input_tokens: 'Tokens that the model read, over all its calls in this turn.',
      output_tokens: 'Tokens that it wrote.',
      tokens_used: 'The sum of both.',
      last_input_tokens: 'Tokens that the last call read: how full the context is.',
      model: 'The model.',
      provider: 'Who runs it.',
      fallback_from: 'The model that failed before this one took over, as `provider:model`.',
      steps: 'Model calls of this turn.',
      cached: 'True when the answer was taken from a cache.',
    },
  }),
  aborted: end('aborted', {
    summary: 'The turn was stopped. What was said stays.',
    fields: { by: z.string() },
    sentences: { by: 'Who asked for it: the subject of the principal.' },
  }),
  error: end('error', {
    summary:
      'The turn could not go on: `terminal` is true. What was said stays; messages that waited become the next turn.',
    fields: {
      code: z.enum(ERROR_CODES),
      message: z.string(),
      terminal: z.literal(true),
      retryable: z.boolean(),
      reason: z.optional(z.enum(FAILURE_REASONS)),
    },
    sentences: {
      code: 'To branch on: see the table of codes.',
      message: 'For people. Never to be parsed.',
      terminal: 'True: this ends a turn.',
      retryable: 'Whether the same message may succeed later.',
      reason:
        'What a model call failed of, with `PROVIDER_ERROR` and `AUTH_ERROR`. More may come: treat an unknown one by `retryable`.',
    },
  }),
} as const;

export type EventType = keyof typeof EVENTS;

/** The frame of an event, by its type. */
export type EventOf<T extends EventType> = { [K in T]: z.infer<(typeof EVENTS)[K]['schema']> }[T];
export type EventFrame = EventOf<EventType>;

/** The types of the events that end a turn. */
export type EndType = Extract<EventFrame, { full_response: unknown }>['type'];

export const EVENT_FRAMES = Object.values(EVENTS).map(({ schema }) => schema);
export const eventFrame = z.union(EVENT_FRAMES);
