import * as z from 'zod/mini';
import { content, contentSentences } from './content.ts';
import { ERROR_CODES, FAILURE_REASONS } from './errors.ts';
import { count, end, event } from './event-definition.ts';
import {
  approvalRequest,
  approvalResolved,
  data,
  toolCall,
  toolOutputRequest,
  toolProgress,
  toolResult,
} from './tool-events.ts';

/**
 * Every event, defined once; those of tools in tool-events.ts. Types, schemas, AsyncAPI, JSON Schema and the tables of
 * docs/protocol.md follow from this table; a place in the code that has to handle a new event does not compile until it does.
 * How to add one: docs/contributing/add-an-event.md.
 *
 * An event belongs to a turn. It is durable before it is posted (P4) and numbered without holes within its session (P9).
 */

/** What a provider tells of the tokens of calls, and what they cost. */
const details = {
  cache_read_tokens: z.optional(count),
  cache_write_tokens: z.optional(count),
  reasoning_tokens: z.optional(count),
  cost: z.optional(z.number().check(z.nonnegative())),
};

/** By `type`, in the order of the documents. */
export const EVENTS = {
  turn_start: event('turn_start', {
    summary: 'A turn begins.',
    fields: {
      message_ids: z.array(z.string()),
      agent: z.optional(z.string()),
      resumed: z.optional(z.boolean()),
    },
    sentences: {
      message_ids: 'The ids of the messages that the turn begins with.',
      agent: 'Of several agents, the one that answers. It is the same in all turns of the session.',
      resumed: 'Reserved. This server never sends it.',
    },
  }),
  applied: event('applied', {
    summary:
      'Messages of the user were applied here: the agent has read them before everything that follows. The first `applied` of a turn has the messages that the turn begins with. Steering follows at the place where it was applied.',
    fields: {
      messages: z.array(z.object({ id: z.string(), content, from: z.optional(z.literal('system')) })),
      step: z.int().check(z.positive()),
    },
    sentences: {
      messages: 'The messages, in the order in which the agent reads them.',
      'messages[].id': 'The id of the message.',
      ...contentSentences('messages[].content', 'The content of the message, as it was sent.'),
      'messages[].from': '`system`: the application has sent the message, and no person. Absent: the user.',
      step: 'The first model call that reads these messages, counted from 1 within the turn.',
    },
  }),
  chunk: event('chunk', {
    summary: 'A piece of the answer. The server never takes back or replaces text that it sent.',
    fields: { content: z.string(), offset: count },
    sentences: {
      content: 'The text to append.',
      offset:
        'Where the chunk begins in the turn’s text, in UTF-16 code units (indices of a JavaScript string).',
    },
  }),
  thinking: event('thinking', {
    summary: 'A piece of the model’s reasoning. It is not a part of the answer or of the transcript.',
    fields: { content: z.string() },
    sentences: { content: 'The text to append to the reasoning before.' },
  }),
  tool_call: toolCall,
  tool_result: toolResult,
  approval_request: approvalRequest,
  approval_resolved: approvalResolved,
  history_trimmed: event('history_trimmed', {
    summary:
      'The model is shown less than the transcript, or the same in another form: the transcript is longer than the budget of the prompt, or the provider refused a prompt. It is sent before the model call that it is about.',
    fields: {
      dropped_messages: count,
      kept_turns: count,
      reason: z.string(),
      form: z.optional(z.string()),
      message_ids: z.optional(z.array(z.string())),
      compacted_to: z.optional(z.int().check(z.positive())),
    },
    sentences: {
      dropped_messages: 'The number of entries that were left out.',
      kept_turns: 'The number of earlier turns of which something was kept.',
      reason:
        '`context_tokens`: the setting that the earlier turns exceed. `remembered`: what an earlier turn had to leave out is left out. Otherwise the reason of the refusal, as in `error`: `rejected`, `overlong` or `withheld`.',
      form: 'After a refusal, the change with which the prompt is sent again. `without_thoughts`: what the model thought, and its provider’s own data about earlier answers, are left out. `alternating`: user and assistant alternate. `without_images`: notes in the place of images. `recent`: older turns are left out. `plain`: earlier tool calls are text. `this_turn`: all earlier turns are left out. `recent_steps`: older steps of this turn are left out. `last_message`: only the last message, without tools. `without_message`: every form was refused, the turn fails, and the message is left out of later prompts. Later versions can add forms.',
      message_ids: 'With `without_message`: the messages that are left out of later prompts.',
      compacted_to:
        'In the place of the entries up to this number, the model is shown their summary; see `compacted`.',
    },
  }),
  model_changed: event('model_changed', {
    summary:
      'The model failed before any of its output was sent, and another model continues the turn. The next turn begins with the first model again.',
    fields: {
      model: z.string(),
      provider: z.string(),
      fallback_from: z.string(),
      reason: z.enum(FAILURE_REASONS),
    },
    sentences: {
      model: 'The model that continues.',
      provider: 'The provider of that model.',
      fallback_from: 'The model that failed, as `provider:model`.',
      reason: 'Why it failed, as in `error`.',
    },
  }),
  done: end('done', {
    summary: 'The turn is answered, and its inbox is empty.',
    fields: {
      input_tokens: count,
      output_tokens: count,
      tokens_used: count,
      last_input_tokens: count,
      ...details,
      currency: z.optional(z.string()),
      by_model: z.optional(
        z.array(
          z.object({
            provider: z.string(),
            model: z.string(),
            steps: count,
            input_tokens: count,
            output_tokens: count,
            ...details,
          }),
        ),
      ),
      model: z.string(),
      provider: z.string(),
      fallback_from: z.optional(z.string()),
      steps: count,
      finish_reason: z.optional(z.string()),
      cached: z.optional(z.boolean()),
      output: z.optional(z.json()),
      output_omitted: z.optional(z.literal(true)),
    },
    sentences: {
      input_tokens:
        'Tokens that the model read, in all calls of this turn and of agents that its tools asked.',
      output_tokens: 'Tokens that the model wrote, in all these calls.',
      tokens_used: 'The sum of `input_tokens` and `output_tokens`.',
      last_input_tokens: 'Tokens that the last call read. It shows how full the context is.',
      cache_read_tokens:
        'Of `input_tokens`: those read from the provider’s cache. Absent: none, or the provider does not tell.',
      cache_write_tokens: 'Of `input_tokens`: those written to the provider’s cache. Absent: as above.',
      reasoning_tokens: 'Of `output_tokens`: what the model thought. Absent: as above.',
      cost: 'What the model calls of this turn cost, in `currency`, if the agent has a price for each of them.',
      currency: 'The currency of `cost`.',
      by_model:
        'If several models were called in this turn: the usage of each, that of `model` last. Together they are the usage of the turn.',
      'by_model[].provider': 'The provider of the model.',
      'by_model[].model': 'The model.',
      'by_model[].steps': 'The number of its calls, also for agents that tools asked.',
      'by_model[].input_tokens': 'As `input_tokens` of the turn.',
      'by_model[].output_tokens': 'As `output_tokens` of the turn.',
      'by_model[].cache_read_tokens': 'As `cache_read_tokens` of the turn.',
      'by_model[].cache_write_tokens': 'As `cache_write_tokens` of the turn.',
      'by_model[].reasoning_tokens': 'As `reasoning_tokens` of the turn.',
      'by_model[].cost': 'As `cost` of the turn, if the agent has a price for this model.',
      model: 'The model.',
      provider: 'The provider of the model.',
      fallback_from: 'The model that failed before this model continued, as `provider:model`.',
      steps: 'The number of model calls of this turn, without those of agents that its tools asked.',
      finish_reason:
        'How the last model call ended. `stop`: the answer is complete. `length`: it was cut at the limit of tokens. `content_filter`: the provider’s filter ended it. `refusal`: the model refused to go on. `tool_calls`: the agent ends its turn after the results of these calls. Otherwise the provider’s own word.',
      cached: 'True when the answer is from a cache.',
      output:
        'The value of the answer, where the agent answers in a form of its own: read from the text of the last answer, and checked.',
      output_omitted:
        'Present and true when the value is checked, and longer than 24,576 bytes of JSON. The text of the last answer has it.',
    },
  }),
  aborted: end('aborted', {
    summary: 'The turn was stopped by `abort`. The text that was sent stays.',
    fields: { by: z.string() },
    sentences: { by: 'The subject of the principal that sent `abort`.' },
  }),
  error: end('error', {
    summary:
      'The turn cannot go on: `terminal` is true. The text that was sent stays. Pending messages become the next turn.',
    fields: {
      code: z.enum(ERROR_CODES),
      message: z.string(),
      terminal: z.literal(true),
      retryable: z.boolean(),
      reason: z.optional(z.enum(FAILURE_REASONS)),
      until: z.optional(z.number()),
      refused: z.optional(z.array(z.string())),
    },
    sentences: {
      code: 'The code to branch on; see the table of codes.',
      message: 'A text for people. Do not parse it.',
      terminal: 'True: this event ends the turn.',
      retryable: 'Whether the same message can succeed later.',
      reason:
        'Why a model call failed, with `PROVIDER_ERROR` and `AUTH_ERROR`. Later versions can add reasons: treat an unknown reason by `retryable`.',
      until: 'With `BUDGET_EXCEEDED`: when the next budget begins, in milliseconds since the epoch.',
      refused: 'With `TURN_REFUSED` and `HOOK_FAILED`: the ids of the messages that no model reads.',
    },
  }),
  source: event('source', {
    summary:
      'A source that the model names for its answer: a page of the web, or a document. The sources of a model call come after its text, each once.',
    fields: {
      source_id: z.string(),
      source_type: z.enum(['url', 'document']),
      url: z.optional(z.string()),
      title: z.optional(z.string()),
      media_type: z.optional(z.string()),
      filename: z.optional(z.string()),
    },
    sentences: {
      source_id: 'The id of the source, unique within the turn.',
      source_type:
        '`url`: a page of the web. `document`: a document that was given to the model, or that it found.',
      url: 'With `url`: the address, at most 4096 characters. Only `http:` and `https:` are sent.',
      title: 'The title, at most 500 characters. A `document` always has one.',
      media_type: 'With `document`: its media type.',
      filename: 'With `document`: the name of its file, if the provider tells it.',
    },
  }),
  file: event('file', {
    summary:
      'A file that the model made, for example an image. It is a part of the answer and of the transcript.',
    fields: {
      media_type: z.string(),
      bytes: count,
      data: z.optional(z.string()),
      omitted: z.optional(z.string()),
    },
    sentences: {
      media_type: 'The media type of the file.',
      bytes: 'The size of the file.',
      data: 'The file in base64. Absent when it is `omitted`.',
      omitted:
        'Why the file is not here. `too_large`: it is larger than an event holds (15,000 bytes), and is not kept. Later versions can add reasons.',
    },
  }),
  compacted: event('compacted', {
    summary:
      'From here on, a summary stands in the prompts in the place of the oldest entries. It is sent once for each summary, in the first turn whose prompts have it. The transcript keeps all entries.',
    fields: {
      from_entry: z.int().check(z.positive()),
      to_entry: z.int().check(z.positive()),
      model: z.string(),
      provider: z.string(),
      input_tokens: count,
      output_tokens: count,
      ...details,
      currency: z.optional(z.string()),
    },
    sentences: {
      from_entry: 'The number of the first entry that the summary is about.',
      to_entry: 'The number of the last one.',
      model: 'The model that wrote the summary.',
      provider: 'The provider of that model.',
      input_tokens: 'The tokens that it read for the summary. No `done` counts this and what follows.',
      output_tokens: 'The tokens that it wrote.',
      cache_read_tokens: 'Of `input_tokens`: those that the provider read from its cache.',
      cache_write_tokens: 'Of `input_tokens`: those that the provider wrote to its cache.',
      reasoning_tokens: 'Of `output_tokens`: what the model thought.',
      cost: 'What the summary cost, in `currency`. Present if the agent has a price for the model.',
      currency: 'The currency of `cost`.',
    },
  }),
  tool_progress: toolProgress,
  data,
  tool_output_request: toolOutputRequest,
} as const;

export type EventType = keyof typeof EVENTS;

/** The frame of an event, by its type. */
export type EventOf<T extends EventType> = { [K in T]: z.infer<(typeof EVENTS)[K]['schema']> }[T];
export type EventFrame = EventOf<EventType>;

/** The types of the events that end a turn. */
export type EndType = Extract<EventFrame, { full_response: unknown }>['type'];

/**
 * The events that are entries of the transcript as well: what a conversation shows beside what was said and what tools gave.
 * Entries of the events that end a turn have no text: it is in the entries before them.
 */
export const notedFrame = z.discriminatedUnion('type', [
  EVENTS.approval_request.schema,
  EVENTS.approval_resolved.schema,
  EVENTS.history_trimmed.schema,
  EVENTS.model_changed.schema,
  EVENTS.source.schema,
  EVENTS.file.schema,
  EVENTS.compacted.schema,
  EVENTS.data.schema,
  EVENTS.done.schema,
  EVENTS.aborted.schema,
  EVENTS.error.schema,
]);
export type NotedFrame = z.infer<typeof notedFrame>;

export const EVENT_FRAMES = Object.values(EVENTS).map(({ schema }) => schema);
export const eventFrame = z.union(EVENT_FRAMES);
