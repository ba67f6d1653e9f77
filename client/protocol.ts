/** The wire's types, as the server's schemas give them. Types alone: the schemas are not bundled. */
export type {
  AbortFrame,
  ApprovalResponseFrame,
  ClientFrame,
  ConnectFrame,
  MessageFrame,
  ToolOutputFrame,
} from '../protocol/client-frames.ts';
export type { Content, ContentPart } from '../protocol/content.ts';
export type { ErrorCode } from '../protocol/errors.ts';
export type {
  ErrorReply,
  EventFrame,
  HistoryEntry,
  ReplyFrame,
  ServerFrame,
  SessionStart,
} from '../protocol/server-frames.ts';

import type { EventFrame, ServerFrame } from '../protocol/server-frames.ts';

export type EventOf<T extends EventFrame['type']> = Extract<EventFrame, { type: T }>;
export type FrameOf<T extends ServerFrame['type']> = Extract<ServerFrame, { type: T }>;
/** What a tool takes and gives. */
export type ToolValue = EventOf<'tool_call'>['args'];

/** The only subprotocol that is offered. */
export const SUBPROTOCOL = 'midturn.v1';

/** Events have `seq`; replies do not. `error` is either. */
export function isEvent(frame: ServerFrame): frame is EventFrame {
  return 'seq' in frame;
}

/**
 * A frame, or undefined for what is none. A type that this client does not know is passed on all the same: an unknown reply shows
 * nothing, so that newer servers serve older clients, and an unknown event has its place among the others (P9). The
 * fields themselves are the server's word: a validator would outweigh the rest of this library.
 */
export function readFrame(text: string): ServerFrame | undefined {
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null || !('type' in value)) return undefined;
  return isFrame(value) ? value : undefined;
}

function isFrame(value: { type: unknown }): value is ServerFrame {
  if (typeof value.type !== 'string') return false;
  return !('seq' in value) || ('turn_id' in value && Number.isSafeInteger(value.seq));
}
