import * as z from 'zod/mini';
import { ACTIONS } from './client-frames.ts';
import { content, fileFields } from './content.ts';
import { ERROR_CODES } from './errors.ts';
import { type EventFrame, notedFrame } from './events.ts';
import { toolOutput } from './tool-events.ts';

export type { EventFrame } from './events.ts';

/**
 * What the server sends, written once: events (`events.ts`) and replies. A reply answers a frame of its connection, or
 * reports what became of a message. It has no `seq` and is never replayed.
 */

const count = z.int().check(z.nonnegative());

/** Where a fork comes from. */
const forkedFrom = z.object({
  session_id: z.string(),
  /** The first entry of that session that the fork does not have. */
  before: z.int().check(z.positive()),
});

export const sessionStart = z.object({
  type: z.literal('session_start'),
  session_id: z.string(),
  resumed: z.boolean(),
  message_count: count,
  name: z.optional(z.string()),
  lane: z.string(),
  last_seq: count,
  /** From now until the token of this connection expires. Absent if it does not. Zero or more. */
  token_expires_in_ms: z.optional(count),
  /** What a message with `delivery: steer` or `now` joins when its own lane has no turn in flight. */
  steer_scope: z.optional(z.enum(['connection', 'session'])),
  /** Of several agents, the one that the session has. Absent before its first turn. */
  agent: z.optional(z.string()),
  /** Those that a client can choose for a session that has none. */
  agents: z.optional(z.array(z.string())),
  forked_from: z.optional(forkedFrom),
  /** As in `trusted`. */
  trusted: z.optional(z.array(z.string())),
  revocations: z.optional(count),
  active_turn: z.optional(
    z.object({
      turn_id: z.string(),
      /** Milliseconds since the epoch. */
      started_at: z.number(),
      /** `resume` after `first_seq - 1` replays the whole turn: `history` has only its finished part. */
      first_seq: z.number(),
    }),
  ),
  limits: z.object({
    content_bytes: count,
    options_bytes: z.optional(count),
    inbox_messages: count,
    inbox_bytes: count,
    session_turns: count,
    queue_timeout_seconds: count,
    frame_bytes: count,
    /** Of one file. Absent: the server takes none. */
    file_bytes: z.optional(count),
  }),
});
const connected = z.object({ type: z.literal('connected'), message: z.string() });
const accepted = z.object({
  type: z.literal('accepted'),
  id: z.string(),
  turn_id: z.string(),
  placement: z.enum(['turn', 'steering', 'queued']),
  /** With `turn`: turns of the session ahead of it. Otherwise: pending messages of this lane ahead of it. */
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
    /** As in `applied`. */
    from: z.optional(z.literal('system')),
  }),
  z.object({ ...entryBase, role: z.literal('assistant'), content: z.string() }),
  z.object({
    ...entryBase,
    role: z.literal('tool_call'),
    id: z.string(),
    name: z.string(),
    args: z.json(),
    truncated: z.optional(z.boolean()),
    provider_executed: z.optional(z.boolean()),
  }),
  z.object({
    ...entryBase,
    role: z.literal('tool_result'),
    id: z.string(),
    name: z.string(),
    ...toolOutput,
    provider_executed: z.optional(z.boolean()),
  }),
  z.object({ ...entryBase, role: z.literal('event'), event: notedFrame }),
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
  /** As in `session_start`. */
  agent: z.optional(z.string()),
  forked_from: z.optional(forkedFrom),
  /** Milliseconds since the epoch. */
  created_at: z.number(),
  active_at: z.number(),
  message_count: count,
});
const sessions = z.object({
  type: z.literal('sessions'),
  /** Newest first. */
  sessions: z.array(sessionSummary),
  after: z.optional(z.string()),
  query: z.optional(z.string()),
  next: z.optional(z.string()),
});
const renamed = z.object({ type: z.literal('renamed'), session_id: z.string(), name: z.string() });
const trusted = z.object({
  type: z.literal('trusted'),
  /** Oldest first. */
  trusted: z.array(z.string()),
  /** How often trusts were revoked in this session. A frame with a lower number than one before is out of date. */
  revocations: count,
});
const exported = z.object({
  type: z.literal('export'),
  session_id: z.string(),
  /** The data of all pages put together are JSON lines. */
  data: z.string(),
  after: z.optional(z.string()),
  next: z.optional(z.string()),
});
const forked = z.object({
  type: z.literal('forked'),
  session_id: z.string(),
  forked_from: forkedFrom,
  name: z.optional(z.string()),
  message_count: count,
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
  /** The message, or the approval request, that this is about. */
  id: z.optional(z.string()),
  /** The session of the request, if the request named one. */
  session_id: z.optional(z.string()),
  limit: z.optional(count),
  depth: z.optional(count),
  /** With `NOT_PENDING`: the turn that applied the message, and whether the message began or steered it. */
  turn_id: z.optional(z.string()),
  placement: z.optional(z.enum(['turn', 'steering'])),
  /** With `OPTIONS_INVALID` and `ELICITATION_CONTENT_INVALID`: the field that does not fit. Empty: the options as a whole. */
  path: z.optional(z.string()),
  /** With `BUDGET_EXCEEDED`: when the next budget begins, in milliseconds since the epoch. */
  until: z.optional(z.number()),
});
const pong = z.object({
  type: z.literal('pong'),
  nonce: z.optional(z.union([z.string(), z.number()])),
});
const upload = z.object({
  type: z.literal('upload'),
  id: z.string(),
  file: z.string(),
  method: z.literal('PUT'),
  url: z.string(),
  /** To be sent with the bytes as they are. Beside them, `Content-Length` is the size that was asked for. */
  headers: z.record(z.string(), z.string()),
  /** Milliseconds. */
  expires_in_ms: count,
});
const download = z.object({
  type: z.literal('download'),
  id: z.string(),
  file: z.string(),
  ...fileFields,
  url: z.string(),
  expires_in_ms: count,
});

const elicitationAnswer = z.object({
  type: z.literal('elicitation_answer'),
  id: z.string(),
  action: z.enum(ACTIONS),
});

export const REPLY_FRAMES = [
  sessionStart,
  connected,
  accepted,
  cancelled,
  history,
  historyGap,
  sessions,
  renamed,
  trusted,
  exported,
  forked,
  deleted,
  errorReply,
  pong,
  upload,
  download,
  elicitationAnswer,
] as const;

export const replyFrame = z.union(REPLY_FRAMES);

export type ReplyFrame = z.infer<typeof replyFrame>;
export type ServerFrame = EventFrame | ReplyFrame;
export type HistoryEntry = z.infer<typeof historyEntry>;
export type SessionSummary = z.infer<typeof sessionSummary>;
export type SessionStart = z.infer<typeof sessionStart>;
export type Accepted = z.infer<typeof accepted>;
export type ErrorReply = z.infer<typeof errorReply>;
