import * as z from 'zod/mini';
import { DECISIONS } from './client-frames.ts';
import { content } from './content.ts';
import { ERROR_CODES, FAILURE_REASONS } from './errors.ts';

/**
 * What the server sends, written once. Only types are taken from here at run time; the schemas serve the tests,
 * the generated AsyncAPI document and whoever implements the protocol.
 */

const json = z.json();
const count = z.int().check(z.nonnegative());

/** Events belong to a turn, are durable before they are posted (P4), and carry `seq`: one more each, no hole (P9). */
const event = { seq: z.int().check(z.positive()), turn_id: z.string() };

/** Always text, as clients of the gateway that this protocol extends show it as it comes. */
const toolOutput = {
  output: z.string(),
  /** `output` is the JSON text of what the tool gave, which was not text. */
  json: z.optional(z.literal(true)),
  is_error: z.optional(z.boolean()),
};

const appliedMessage = z.object({ id: z.string(), content });

const turnStart = z.object({
  type: z.literal('turn_start'),
  ...event,
  message_ids: z.array(z.string()),
  resumed: z.optional(z.boolean()),
});
const applied = z.object({
  type: z.literal('applied'),
  ...event,
  messages: z.array(appliedMessage),
  /** The model call that sees these messages first, counted from 1 within the turn. */
  step: z.int().check(z.positive()),
});
const chunk = z.object({
  type: z.literal('chunk'),
  ...event,
  content: z.string(),
  /** Of its first character in the turn's text, in UTF-16 code units (JavaScript string indices). */
  offset: count,
});
const thinking = z.object({ type: z.literal('thinking'), ...event, content: z.string() });
const toolCall = z.object({
  type: z.literal('tool_call'),
  ...event,
  id: z.string(),
  name: z.string(),
  args: json,
  truncated: z.optional(z.boolean()),
});
const toolResult = z.object({
  type: z.literal('tool_result'),
  ...event,
  id: z.string(),
  name: z.string(),
  ...toolOutput,
  truncated: z.optional(z.boolean()),
});
const approvalRequest = z.object({
  type: z.literal('approval_request'),
  ...event,
  request_id: z.string(),
  tool_call_id: z.string(),
  tool: z.string(),
  arguments_summary: z.string(),
  timeout_secs: z.number(),
});
const approvalResolved = z.object({
  type: z.literal('approval_resolved'),
  ...event,
  request_id: z.string(),
  decision: z.enum(DECISIONS),
  reason: z.enum(['answer', 'always', 'timeout', 'aborted']),
  by: z.optional(z.string()),
});
const historyTrimmed = z.object({
  type: z.literal('history_trimmed'),
  ...event,
  dropped_messages: count,
  kept_turns: count,
  reason: z.string(),
});

const modelChanged = z.object({
  type: z.literal('model_changed'),
  ...event,
  model: z.string(),
  provider: z.string(),
  fallback_from: z.string(),
  reason: z.enum(FAILURE_REASONS),
});

/**
 * `full_response` equals the turn's chunks put together (P3). Where that would not fit into one frame it is null and
 * `full_response_omitted` is true: the chunks, or `history`, hold the text.
 */
const fullResponse = {
  full_response: z.nullable(z.string()),
  full_response_omitted: z.optional(z.literal(true)),
};

const done = z.object({
  type: z.literal('done'),
  ...event,
  ...fullResponse,
  input_tokens: count,
  output_tokens: count,
  tokens_used: count,
  /** Of the last model call alone: how full the context is. */
  last_input_tokens: count,
  model: z.string(),
  provider: z.string(),
  /** The model that failed before this one took over, as `provider:model`. */
  fallback_from: z.optional(z.string()),
  steps: count,
  cached: z.optional(z.boolean()),
});
const aborted = z.object({ type: z.literal('aborted'), ...event, ...fullResponse, by: z.string() });
export const turnError = z.object({
  type: z.literal('error'),
  ...event,
  ...fullResponse,
  code: z.enum(ERROR_CODES),
  message: z.string(),
  terminal: z.literal(true),
  retryable: z.boolean(),
  /** Of a model call that failed. */
  reason: z.optional(z.enum(FAILURE_REASONS)),
});

/** Replies answer a frame of this connection, or tell it a message's fate. They carry no `seq`. */
export const sessionStart = z.object({
  type: z.literal('session_start'),
  session_id: z.string(),
  resumed: z.boolean(),
  message_count: count,
  name: z.optional(z.string()),
  lane: z.string(),
  last_seq: count,
  /** Of a message with `delivery: steer` or `now`, when its own lane has no turn in flight. */
  steer_scope: z.optional(z.enum(['connection', 'session'])),
  active_turn: z.optional(
    z.object({
      turn_id: z.string(),
      /** Milliseconds since the epoch. */
      started_at: z.number(),
      /** `resume` after `first_seq - 1` replays the whole turn: history lacks the part still being said. */
      first_seq: z.number(),
    }),
  ),
  limits: z.object({
    content_bytes: count,
    inbox_messages: count,
    inbox_bytes: count,
    session_turns: count,
    queue_timeout_seconds: count,
    frame_bytes: count,
  }),
});
const connected = z.object({ type: z.literal('connected'), message: z.string() });
const accepted = z.object({
  type: z.literal('accepted'),
  id: z.string(),
  turn_id: z.string(),
  placement: z.enum(['turn', 'steering', 'queued']),
  /** Messages of this lane that are waiting ahead of it. */
  position: count,
  duplicate: z.optional(z.boolean()),
});
const cancelled = z.object({
  type: z.literal('cancelled'),
  ids: z.array(z.string()),
  reason: z.string(),
});

const entryBase = { n: z.int().check(z.positive()), turn_id: z.string() };
export const historyEntry = z.discriminatedUnion('role', [
  z.object({
    ...entryBase,
    role: z.literal('user'),
    id: z.string(),
    content,
    /** When API Gateway received it, in milliseconds since the epoch. */
    at: z.number(),
    /** As in `applied`. */
    step: z.int().check(z.positive()),
  }),
  z.object({ ...entryBase, role: z.literal('assistant'), content: z.string() }),
  z.object({
    ...entryBase,
    role: z.literal('tool_call'),
    id: z.string(),
    name: z.string(),
    args: json,
    truncated: z.optional(z.boolean()),
  }),
  z.object({
    ...entryBase,
    role: z.literal('tool_result'),
    id: z.string(),
    name: z.string(),
    ...toolOutput,
  }),
]);
const history = z.object({
  type: z.literal('history'),
  /** Oldest first. */
  entries: z.array(historyEntry),
  /** Pass as `before` for the next older page; absent on the last one. */
  next: z.optional(z.number()),
});
const sessionSummary = z.object({
  session_id: z.string(),
  name: z.optional(z.string()),
  /** Milliseconds since the epoch. */
  created_at: z.number(),
  active_at: z.number(),
  message_count: count,
});
const sessions = z.object({
  type: z.literal('sessions'),
  /** Those made last come first. */
  sessions: z.array(sessionSummary),
  after: z.optional(z.string()),
  next: z.optional(z.string()),
});
const renamed = z.object({ type: z.literal('renamed'), session_id: z.string(), name: z.string() });
const exported = z.object({
  type: z.literal('export'),
  session_id: z.string(),
  /** The data of all pages put together are JSON lines. */
  data: z.string(),
  after: z.optional(z.string()),
  next: z.optional(z.string()),
});
const deleted = z.object({ type: z.literal('deleted'), session_id: z.string() });
const historyGap = z.object({
  type: z.literal('history_gap'),
  after_seq: count,
  available_from: count,
});
export const errorReply = z.object({
  type: z.literal('error'),
  code: z.enum(ERROR_CODES),
  message: z.string(),
  terminal: z.literal(false),
  retryable: z.boolean(),
  retry_after_ms: z.optional(count),
  /** The message that this is about. */
  id: z.optional(z.string()),
  /** The session that was asked for, where it need not be the connection's own. */
  session_id: z.optional(z.string()),
  limit: z.optional(count),
  depth: z.optional(count),
  /** `NOT_PENDING`: the turn that has the message, and as what. */
  turn_id: z.optional(z.string()),
  placement: z.optional(z.enum(['turn', 'steering'])),
});
const pong = z.object({
  type: z.literal('pong'),
  nonce: z.optional(z.union([z.string(), z.number()])),
});

export const EVENT_FRAMES = [
  turnStart,
  applied,
  chunk,
  thinking,
  toolCall,
  toolResult,
  approvalRequest,
  approvalResolved,
  historyTrimmed,
  modelChanged,
  done,
  aborted,
  turnError,
] as const;
export const REPLY_FRAMES = [
  sessionStart,
  connected,
  accepted,
  cancelled,
  history,
  historyGap,
  sessions,
  renamed,
  exported,
  deleted,
  errorReply,
  pong,
] as const;

export const eventFrame = z.union(EVENT_FRAMES);
export const replyFrame = z.union(REPLY_FRAMES);

export type EventFrame = z.infer<typeof eventFrame>;
export type ReplyFrame = z.infer<typeof replyFrame>;
export type ServerFrame = EventFrame | ReplyFrame;
export type HistoryEntry = z.infer<typeof historyEntry>;
export type SessionSummary = z.infer<typeof sessionSummary>;
export type SessionStart = z.infer<typeof sessionStart>;
export type Accepted = z.infer<typeof accepted>;
export type ErrorReply = z.infer<typeof errorReply>;
