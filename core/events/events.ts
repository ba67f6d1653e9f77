import type { EndType } from '../../protocol/events.ts';
import { MAX_FRAME_BYTES } from '../../protocol/limits.ts';
import { asTurnId } from '../ids.ts';
import { isVerbatim, OMITTED, readEvent, type TurnEvent, UnreadableEvent, wireForm } from './stored-event.ts';

export {
  type AppliedMessage,
  type EventDraft,
  numbered,
  type TurnEvent,
  type TurnFacts,
  type TurnStartContext,
} from './stored-event.ts';

const ENDS: Readonly<Record<EndType, true>> = { done: true, aborted: true, error: true };

/** Whether this event ends its turn. */
export const isEnd = (event: TurnEvent): event is Extract<TurnEvent, { type: EndType }> =>
  Object.hasOwn(ENDS, event.type);

/** How many messages a turn of these events has applied. */
export const appliedMessages = (events: readonly TurnEvent[]): number =>
  events.reduce((sum, event) => (event.type === 'applied' ? sum + event.messages.length : sum), 0);

/**
 * Events as an item holds them: each is a JSON text that begins with its number. Their length decides how many fit into a
 * lane that costs one write unit. So the turn is named only where it changes, and a chunk, the most frequent event, has
 * neither a type nor field names. What is a provider's own comes last, where earlier versions do not look.
 */
export function encodeEvents(events: readonly TurnEvent[]): string[] {
  return events.map((event, at) => JSON.stringify(compact(event, events[at - 1]?.turn)));
}

function compact(event: TurnEvent, turnBefore: string | undefined): unknown[] {
  const { seq, turn, verbatim, ...draft } = event;
  const named = turn === turnBefore ? [] : [turn];
  const rest = verbatim ? [named[0] ?? null, verbatim] : named;
  if (draft.type === 'chunk') return [seq, draft.content, draft.offset, ...rest];
  if (draft.type === 'foreign') return [seq, draft.name, draft.fields, ...rest];
  const { type, ...fields } = draft;
  return [seq, type, fields, ...rest];
}

/** Reads what `encodeEvents` made, from the beginning: a later part of it does not name its turn. */
export function decodeEvents(texts: readonly string[]): TurnEvent[] {
  let turn: unknown;
  return texts.map((text) => {
    const parts: unknown = JSON.parse(text);
    const [seq, name, more, named, verbatim]: unknown[] = Array.isArray(parts) ? parts : [];
    turn = named ?? turn;
    if (typeof seq !== 'number' || typeof name !== 'string' || typeof turn !== 'string')
      throw new UnreadableEvent(`no event: ${text.slice(0, 100)}`);
    const id = asTurnId(turn);
    const event: TurnEvent =
      typeof more === 'number'
        ? { type: 'chunk', seq, turn: id, content: name, offset: more }
        : readEvent(seq, id, name, more);
    return isVerbatim(verbatim) ? { ...event, verbatim } : event;
  });
}

/** One event by itself, as `encodeEvents` makes it. */
export const encodeEvent = (event: TurnEvent): string => JSON.stringify(compact(event, undefined));

/** @throws {UnreadableEvent} for what no version of the functions stores */
export function decodeEvent(text: string): TurnEvent {
  const [event] = decodeEvents([text]);
  if (!event) throw new UnreadableEvent('no event');
  return event;
}

/** The number of an encoded event, without decoding it. */
export const seqOf = (text: string): number => Number.parseInt(text.slice(1), 10);

/** Events from several sources (EVENTS items, a lane) as one sequence: each `seq` once, rising. */
export function mergeEvents(...sources: readonly (readonly TurnEvent[])[]): TurnEvent[] {
  const bySeq = new Map<number, TurnEvent>();
  for (const source of sources) for (const event of source) bySeq.set(event.seq, event);
  return [...bySeq.values()].sort((a, b) => a.seq - b.seq);
}

/** The assistant text of a turn: its chunks put together (P3). */
export const streamedText = (events: readonly TurnEvent[]): string =>
  events.reduce((text, event) => (event.type === 'chunk' ? text + event.content : text), '');

/**
 * The frame of an event, as text. `turnText` gives the text of the event's turn, which an event that ends the turn does
 * not store again. It gives undefined when not all of the text can be read any more: then the frame has none.
 */
export function frameOf(event: TurnEvent, turnText: () => string | undefined): string {
  const frame = wireForm(event, turnText);
  const text = JSON.stringify(frame);
  if (Buffer.byteLength(text) <= MAX_FRAME_BYTES) return text;
  // What does not fit into a frame can be read elsewhere: the text in the chunks and in `history`, the arguments in the
  // transcript.
  if (frame.type === 'tool_call') return JSON.stringify({ ...frame, args: null, truncated: true });
  if ('full_response' in frame) return JSON.stringify({ ...frame, ...OMITTED });
  throw new Error(`event ${event.seq} (${frame.type}) is longer than a frame`);
}
