import * as z from 'zod/mini';
import { content } from './content.ts';
import { elicitationRequest, elicitationResolved } from './elicitation.ts';
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
 * docs/protocol.md follow from this table, their sentences from documents/event-descriptions.ts, so that no function loads them.
 * A place in the code that has to handle a new event does not compile until it does.
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
    message_ids: z.array(z.string()),
    agent: z.optional(z.string()),
    resumed: z.optional(z.boolean()),
  }),
  applied: event('applied', {
    messages: z.array(z.object({ id: z.string(), content, from: z.optional(z.literal('system')) })),
    step: z.int().check(z.positive()),
  }),
  chunk: event('chunk', { content: z.string(), offset: count }),
  thinking: event('thinking', { content: z.string() }),
  tool_call: toolCall,
  tool_result: toolResult,
  approval_request: approvalRequest,
  approval_resolved: approvalResolved,
  history_trimmed: event('history_trimmed', {
    dropped_messages: count,
    kept_turns: count,
    reason: z.string(),
    form: z.optional(z.string()),
    message_ids: z.optional(z.array(z.string())),
    compacted_to: z.optional(z.int().check(z.positive())),
  }),
  model_changed: event('model_changed', {
    model: z.string(),
    provider: z.string(),
    fallback_from: z.string(),
    reason: z.enum(FAILURE_REASONS),
  }),
  done: end('done', {
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
  }),
  aborted: end('aborted', { by: z.string() }),
  error: end('error', {
    code: z.enum(ERROR_CODES),
    message: z.string(),
    terminal: z.literal(true),
    retryable: z.boolean(),
    reason: z.optional(z.enum(FAILURE_REASONS)),
    until: z.optional(z.number()),
    refused: z.optional(z.array(z.string())),
  }),
  source: event('source', {
    source_id: z.string(),
    source_type: z.enum(['url', 'document']),
    url: z.optional(z.string()),
    title: z.optional(z.string()),
    media_type: z.optional(z.string()),
    filename: z.optional(z.string()),
  }),
  file: event('file', {
    media_type: z.string(),
    bytes: count,
    data: z.optional(z.string()),
    omitted: z.optional(z.string()),
  }),
  compacted: event('compacted', {
    from_entry: z.int().check(z.positive()),
    to_entry: z.int().check(z.positive()),
    model: z.string(),
    provider: z.string(),
    input_tokens: count,
    output_tokens: count,
    ...details,
    currency: z.optional(z.string()),
  }),
  tool_progress: toolProgress,
  data,
  tool_output_request: toolOutputRequest,
  elicitation_request: elicitationRequest,
  elicitation_resolved: elicitationResolved,
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
