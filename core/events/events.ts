import type { FailureReason } from '../../protocol/errors.ts';
import { MAX_FRAME_BYTES } from '../../protocol/limits.ts';
import type { EventFrame } from '../../protocol/server-frames.ts';
import type { Content } from '../content.ts';
import type { Json } from '../json.ts';

/** What a turn says, before it has a number. */
export type EventDraft =
  | { type: 'turn_start'; message_ids: string[]; entry: number; at: number }
  | { type: 'applied'; messages: AppliedMessage[]; step: number }
  | { type: 'chunk'; content: string; offset: number }
  | { type: 'thinking'; content: string }
  | { type: 'tool_call'; id: string; name: string; args: Json }
  | { type: 'tool_result'; id: string; name: string; output: Json; is_error?: true; truncated?: true }
  | {
      type: 'approval_request';
      request_id: string;
      tool_call_id: string;
      tool: string;
      arguments_summary: string;
      timeout_secs: number;
      at: number;
    }
  | {
      type: 'approval_resolved';
      request_id: string;
      decision: 'approve' | 'deny' | 'always';
      reason: 'answer' | 'always' | 'timeout' | 'aborted';
      by?: string;
    }
  | { type: 'history_trimmed'; dropped_messages: number; kept_turns: number; reason: string }
  | { type: 'model_changed'; model: string; provider: string; fallback_from: string; reason: FailureReason }
  | ({ type: 'done' } & End & DoneFacts)
  | ({ type: 'aborted'; by: string } & End)
  | ({
      type: 'error';
      code: TurnErrorCode;
      message: string;
      retryable: boolean;
      reason?: FailureReason;
    } & End);

/** Where the turn's events begin: its text is rebuilt from there. */
interface End {
  first: number;
}

export interface AppliedMessage {
  id: string;
  content: Content;
  at: number;
}

interface DoneFacts {
  input_tokens: number;
  output_tokens: number;
  last_input_tokens: number;
  model: string;
  provider: string;
  /** The model that failed before, as `provider:model`. */
  fallback_from?: string;
  steps: number;
  cached?: true;
}

export type TurnErrorCode = Extract<EventFrame, { type: 'error' }>['code'];

/** An event of a session: durable, numbered without holes (P9), never taken back (P3). */
export type TurnEvent = EventDraft & { seq: number; turn: string };

const ENDS = new Set(['done', 'aborted', 'error']);
export const isEnd = (event: { type: string }): boolean => ENDS.has(event.type);

/**
 * Events as an item holds them, each a text that begins with its number. Their length decides how many fit into a lane that
 * costs one write unit, so the turn is named only where it changes, and a chunk, as most are, has neither type nor field names.
 */
export function encodeEvents(events: readonly TurnEvent[]): string[] {
  return events.map(({ seq, turn, ...draft }, at) => {
    const named = turn === events[at - 1]?.turn ? [] : [turn];
    if (draft.type === 'chunk') return JSON.stringify([seq, draft.content, draft.offset, ...named]);
    const { type, ...fields } = draft;
    return JSON.stringify([seq, type, fields, ...named]);
  });
}

/** What `encodeEvents` made, from the beginning: a later part of it does not say whose it is. */
export function decodeEvents(texts: readonly string[]): TurnEvent[] {
  let turn = '';
  return texts.map((text) => {
    const [seq, name, more, named] = JSON.parse(text) as [number, string, number | object, string?];
    turn = named ?? turn;
    if (typeof more === 'number') return { seq, turn, type: 'chunk', content: name, offset: more };
    return { seq, turn, type: name, ...more } as TurnEvent;
  });
}

/** An encoded event begins with its number. */
export const seqOf = (text: string): number => Number.parseInt(text.slice(1), 10);

/** Several sources of events (EVENTS items, a tail) as one sequence: each seq once, rising. */
export function mergeEvents(...sources: readonly (readonly TurnEvent[])[]): TurnEvent[] {
  const bySeq = new Map<number, TurnEvent>();
  for (const source of sources) for (const event of source) bySeq.set(event.seq, event);
  return [...bySeq.values()].sort((a, b) => a.seq - b.seq);
}

/** The assistant text of a turn: its chunks put together (P3). */
export const textOf = (events: readonly TurnEvent[]): string =>
  events.reduce((text, event) => (event.type === 'chunk' ? text + event.content : text), '');

/** A tool's output on the wire: text as it is, anything else as its JSON text. */
export const outputText = (output: Json): { output: string; json?: true } =>
  typeof output === 'string' ? { output } : { output: JSON.stringify(output), json: true };

const bytes = (text: string) => Buffer.byteLength(text);

const OMITTED = { full_response: null, full_response_omitted: true } as const;
const fullResponse = (text: string | undefined) => (text === undefined ? OMITTED : { full_response: text });

/**
 * The frame that clients see of an event. A stored end leaves its text out, since the chunks are stored already:
 * `turnText` is the turn's text, needed for ends alone. Undefined: not all of it is there any more, and the frame claims none.
 */
export function frameOf(event: TurnEvent, turnText: () => string | undefined): string {
  const { seq, turn: turn_id } = event;
  const frame = ((): EventFrame => {
    switch (event.type) {
      case 'turn_start':
        return { type: event.type, seq, turn_id, message_ids: event.message_ids };
      case 'applied': {
        const messages = event.messages.map(({ id, content }) => ({ id, content }));
        return { type: event.type, seq, turn_id, messages, step: event.step };
      }
      case 'tool_result': {
        const { type, id, name, output, is_error, truncated } = event;
        return {
          type,
          seq,
          turn_id,
          id,
          name,
          ...outputText(output),
          ...(is_error && { is_error }),
          ...(truncated && { truncated }),
        };
      }
      case 'approval_request': {
        const { turn: _, seq: __, at: ___, type, ...rest } = event;
        return { type, seq, turn_id, ...rest };
      }
      case 'done': {
        const { type, turn: _, seq: __, first: ___, ...facts } = event;
        const tokens_used = facts.input_tokens + facts.output_tokens;
        return { type, seq, turn_id, ...fullResponse(turnText()), ...facts, tokens_used };
      }
      case 'aborted':
        return { type: event.type, seq, turn_id, ...fullResponse(turnText()), by: event.by };
      case 'error': {
        const { code, message, retryable, reason } = event;
        return {
          type: 'error',
          seq,
          turn_id,
          ...fullResponse(turnText()),
          code,
          message,
          terminal: true,
          retryable,
          ...(reason && { reason }),
        };
      }
      default: {
        const { turn: _, seq: __, type, ...rest } = event;
        return { type, seq, turn_id, ...rest } as EventFrame;
      }
    }
  })();
  const text = JSON.stringify(frame);
  if (bytes(text) <= MAX_FRAME_BYTES) return text;
  // What is too long for a frame is whole elsewhere: the text in the chunks and in `history`, the arguments in the
  // transcript.
  if (frame.type === 'tool_call') return JSON.stringify({ ...frame, args: null, truncated: true });
  if ('full_response' in frame) return JSON.stringify({ ...frame, ...OMITTED });
  throw new Error(`event ${seq} (${event.type}) is longer than a frame`);
}
