import * as z from 'zod/mini';
import { content, fileFields } from './content.ts';
import { ID_PATTERN, ID_RULE } from './ids.ts';
import {
  MAX_HISTORY_LIMIT,
  MAX_LABEL_LENGTH,
  MAX_PENDING_IDS,
  MAX_SESSIONS_LIMIT,
  MAX_TRUST_LENGTH,
} from './limits.ts';

/**
 * The frames that a client can send, defined once: validation, types, AsyncAPI and the client library follow from here.
 * Unknown fields are ignored (`z.object` drops them), so that older servers serve newer clients (docs/protocol.md, 3.1.3).
 */

/** An id that a client chooses (docs/protocol.md, 4.1.2). */
const clientId = z.string().check(z.regex(ID_PATTERN, `it must have ${ID_RULE}`));

/** For the agent's code, which says what they are. `MAX_OPTIONS_BYTES` limits them. */
const options = z.optional(z.record(z.string(), z.unknown()));

/** The forms of names of languages (BCP 47) and time zones (IANA). The server knows which of them exist. */
const placeName = (form: RegExp, rule: string) =>
  z.optional(z.string().check(z.maxLength(64), z.regex(form, `it must be ${rule}`)));
const locale = placeName(/^[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*$/, 'a language tag of BCP 47');
const timeZone = placeName(
  /^[A-Za-z][A-Za-z0-9_+-]*(?:\/[A-Za-z0-9_+-]+)*$/,
  'the name of a time zone of the IANA data base',
);

export const connectFrame = z.object({
  type: z.literal('connect'),
  session_id: z.optional(clientId),
  device_name: z.optional(z.string().check(z.maxLength(MAX_LABEL_LENGTH))),
  capabilities: z.optional(z.array(z.string().check(z.maxLength(MAX_LABEL_LENGTH))).check(z.maxLength(32))),
  resume: z.optional(
    z.object({
      /** The lane of an earlier connection, to continue with its pending messages and its turn in flight. */
      lane: z.optional(clientId),
      /** The last event that this client has; events after it are replayed. */
      after_seq: z.optional(z.int().check(z.nonnegative())),
    }),
  ),
  /** For messages of this connection that have none. */
  options,
  locale,
  time_zone: timeZone,
  /** The agent that the session is to have, if it has none yet. */
  agent: z.optional(clientId),
});

export const messageFrame = z.object({
  type: z.literal('message'),
  content,
  id: z.optional(clientId),
  delivery: z.optional(z.enum(['steer', 'queue', 'now'])),
  /**
   * The client's own count of its messages on this lane, rising by one. Frames of one connection run concurrently, so
   * this is what makes the order exact; without it, messages of the same millisecond are ordered by id.
   */
  order: z.optional(z.int().check(z.nonnegative())),
  options,
});

export const abortFrame = z.object({
  type: z.literal('abort'),
  turn_id: z.optional(clientId),
  pending: z.optional(z.enum(['keep', 'discard'])),
  /** With `discard`: the messages that are withdrawn. What was sent since the user pressed "stop" is not among them. */
  pending_ids: z.optional(z.array(clientId).check(z.maxLength(MAX_PENDING_IDS))),
});

const cancelFrame = z.object({ type: z.literal('cancel'), id: clientId });

export const DECISIONS = ['approve', 'deny', 'always'] as const;

export const approvalResponseFrame = z.object({
  type: z.literal('approval_response'),
  request_id: clientId,
  decision: z.enum(DECISIONS),
});

/** What a client gives for a call of a tool that it runs: an output, or an error. `MAX_TOOL_OUTPUT_BYTES` limits both. */
export const toolOutputFrame = z.object({
  type: z.literal('tool_output'),
  request_id: clientId,
  output: z.optional(z.json()),
  error: z.optional(z.string()),
});

export const ACTIONS = ['accept', 'decline', 'cancel'] as const;

/** Answers a question of an MCP server. `content` counts with `accept` alone. `MAX_TOOL_OUTPUT_BYTES` limits it. */
const elicitationAnswerFrame = z.object({
  type: z.literal('elicitation_answer'),
  /** The request. */
  id: clientId,
  action: z.enum(ACTIONS),
  content: z.optional(z.record(z.string(), z.unknown())),
});

/** Revokes what `always` covered: this trust, or all of them. */
const revokeFrame = z.object({
  type: z.literal('revoke'),
  trust: z.optional(z.string().check(z.minLength(1), z.maxLength(MAX_TRUST_LENGTH))),
});

const historyFrame = z.object({
  type: z.literal('history'),
  /** Entries before this number; without it, the newest page. */
  before: z.optional(z.int().check(z.positive())),
  limit: z.optional(z.int().check(z.positive(), z.maximum(MAX_HISTORY_LIMIT))),
  /** One user entry per message and one assistant entry per turn, as a chat view shows them. */
  merged: z.optional(z.boolean()),
});

const sessionsFrame = z.object({
  type: z.literal('sessions'),
  /** The `next` of the page before; without it, the first page. */
  after: z.optional(z.string().check(z.regex(/^\d{14}#[\x21-\x7e]{1,192}$/))),
  limit: z.optional(z.int().check(z.positive(), z.maximum(MAX_SESSIONS_LIMIT))),
  /** Words of titles. */
  query: z.optional(z.string().check(z.minLength(1), z.maxLength(MAX_LABEL_LENGTH))),
});

const renameFrame = z.object({
  type: z.literal('rename'),
  session_id: clientId,
  name: z.string().check(z.minLength(1), z.maxLength(MAX_LABEL_LENGTH)),
  /** The client made it by itself: it replaces no name that somebody gave, and gives way to a title. */
  provisional: z.optional(z.literal(true)),
});

const exportFrame = z.object({
  type: z.literal('export'),
  session_id: clientId,
  /** The `next` of the page before; without it, the first page. */
  after: z.optional(z.string().check(z.regex(/^\d{1,14}\.\d{1,9}$/))),
});

/** Makes a session of the first entries of another one. */
const forkFrame = z.object({
  type: z.literal('fork'),
  /** Of the fork. The same `fork` again is the same fork. */
  session_id: clientId,
  from: clientId,
  /** A message of a user, by the number of its entry or by its id. Without it, the fork has all turns that have ended. */
  before: z.optional(z.union([z.int().check(z.positive()), clientId])),
  name: z.optional(z.string().check(z.minLength(1), z.maxLength(MAX_LABEL_LENGTH))),
});

const deleteFrame = z.object({ type: z.literal('delete'), session_id: clientId });

/** Asks for an address to which the bytes of a file are put. */
const uploadFrame = z.object({ type: z.literal('upload'), id: clientId, ...fileFields });

/** Asks for an address from which a file of the session is read. */
const downloadFrame = z.object({ type: z.literal('download'), id: clientId, file: clientId });

const pingFrame = z.object({
  type: z.literal('ping'),
  nonce: z.optional(z.union([z.string().check(z.maxLength(MAX_LABEL_LENGTH)), z.number()])),
});

/** By `type`. */
export const CLIENT_FRAMES = {
  connect: connectFrame,
  message: messageFrame,
  abort: abortFrame,
  cancel: cancelFrame,
  approval_response: approvalResponseFrame,
  tool_output: toolOutputFrame,
  revoke: revokeFrame,
  history: historyFrame,
  sessions: sessionsFrame,
  rename: renameFrame,
  export: exportFrame,
  fork: forkFrame,
  delete: deleteFrame,
  ping: pingFrame,
  upload: uploadFrame,
  download: downloadFrame,
  elicitation_answer: elicitationAnswerFrame,
} as const;

export type ClientFrameType = keyof typeof CLIENT_FRAMES;
export type ConnectFrame = z.infer<typeof connectFrame>;
export type MessageFrame = z.infer<typeof messageFrame>;
export type AbortFrame = z.infer<typeof abortFrame>;
type CancelFrame = z.infer<typeof cancelFrame>;
export type ApprovalResponseFrame = z.infer<typeof approvalResponseFrame>;
export type ToolOutputFrame = z.infer<typeof toolOutputFrame>;
export type ElicitationAnswerFrame = z.infer<typeof elicitationAnswerFrame>;
export type HistoryFrame = z.infer<typeof historyFrame>;
export type SessionsFrame = z.infer<typeof sessionsFrame>;
export type RenameFrame = z.infer<typeof renameFrame>;
type ExportFrame = z.infer<typeof exportFrame>;
type RevokeFrame = z.infer<typeof revokeFrame>;
export type ForkFrame = z.infer<typeof forkFrame>;
type DeleteFrame = z.infer<typeof deleteFrame>;
type PingFrame = z.infer<typeof pingFrame>;
export type UploadFrame = z.infer<typeof uploadFrame>;
export type DownloadFrame = z.infer<typeof downloadFrame>;
export type ClientFrame =
  | ConnectFrame
  | MessageFrame
  | AbortFrame
  | CancelFrame
  | ApprovalResponseFrame
  | ToolOutputFrame
  | RevokeFrame
  | HistoryFrame
  | SessionsFrame
  | RenameFrame
  | ExportFrame
  | ForkFrame
  | DeleteFrame
  | PingFrame
  | UploadFrame
  | DownloadFrame
  | ElicitationAnswerFrame;
