import { type EndType, EVENT_FRAMES, EVENTS, type EventFrame, type EventOf } from '../protocol/events.ts';
import { errorReply, REPLY_FRAMES, type ServerFrame } from '../protocol/server-frames.ts';

export type FrameType = ServerFrame['type'];
export type FrameOf<T extends FrameType> = Extract<ServerFrame, { type: T }>;
export type EndFrame = EventOf<EndType>;
export type ErrorReply = Exclude<FrameOf<'error'>, { terminal: true }>;

/** A received text: a frame of the protocol, a frame of an unknown type (to be ignored, 3.1.4), or a violation. */
export type Reading =
  | { kind: 'frame'; frame: ServerFrame }
  | { kind: 'foreign'; type: string }
  | { kind: 'wrong'; why: string };

type Schema = (typeof EVENT_FRAMES)[number] | (typeof REPLY_FRAMES)[number];

const SCHEMAS = new Map<string, Schema>(
  [...EVENT_FRAMES, ...REPLY_FRAMES].map((schema) => [[...schema.shape.type.def.values].join(), schema]),
);

export function readFrame(text: string): Reading {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { kind: 'wrong', why: `not JSON: ${text.slice(0, 120)}` };
  }
  const type = typeof value === 'object' && value !== null ? Reflect.get(value, 'type') : undefined;
  if (typeof value !== 'object' || value === null || typeof type !== 'string') {
    return { kind: 'wrong', why: `no frame with a "type": ${text.slice(0, 120)}` };
  }
  const known = SCHEMAS.get(type);
  if (!known) return { kind: 'foreign', type };
  const schema =
    type !== 'error' ? known : Reflect.get(value, 'terminal') === true ? EVENTS.error.schema : errorReply;
  const { success, data, error } = schema.safeParse(value);
  if (success) return { kind: 'frame', frame: data };
  const [issue] = error.issues;
  return {
    kind: 'wrong',
    why: `${type}.${issue?.path.join('.')}: ${issue?.message} in ${text.slice(0, 120)}`,
  };
}

export const isEvent = (frame: ServerFrame): frame is EventFrame => 'seq' in frame;

export const isEnd = (frame: ServerFrame): frame is EndFrame => 'full_response' in frame;

export const isRefusal = (frame: ServerFrame): frame is ErrorReply =>
  frame.type === 'error' && !frame.terminal;

export const isRateLimit = (frame: ServerFrame): boolean => isRefusal(frame) && frame.code === 'RATE_LIMITED';

/** The chunks of these events put together. */
export const textOf = (events: readonly ServerFrame[]): string =>
  events.map((event) => (event.type === 'chunk' ? event.content : '')).join('');
