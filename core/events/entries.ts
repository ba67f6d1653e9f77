import type { EpochMs } from '../../config/units.ts';
import { MAX_CONTENT_BYTES } from '../../protocol/limits.ts';
import { cutAt } from '../../protocol/text.ts';
import { type Content, type FilePart, fileBytes, filesOf, shownFiles } from '../content.ts';
import type { MessageId, TurnId } from '../ids.ts';
import type { Json } from '../json.ts';
import type { Verbatim } from '../model.ts';
import type { TurnEvent } from './events.ts';

/** One entry of the transcript. `n` counts from 1 within the session, without holes. */
export type Entry = { n: number; turn: TurnId } & EntryContent;

type EntryContent =
  | { role: 'user'; id: MessageId; content: Content; at: EpochMs; step: number; from?: 'system' }
  /** `verbatim`: of the model call whose text ends here. Never sent. */
  | { role: 'assistant'; content: string; verbatim?: Verbatim }
  /** `verbatim`: of the model call whose last call this is. Never sent. */
  | { role: 'tool_call'; id: string; name: string; args: Json; provider_executed?: true; verbatim?: Verbatim }
  | {
      role: 'tool_result';
      id: string;
      name: string;
      output: Json;
      /** What the model is shown in its place. Never sent. */
      shown?: Json;
      is_error?: true;
      truncated?: true;
      output_length?: number;
      provider_executed?: true;
      /** Of the model call that ends with the result of a tool which its provider ran. Never sent. */
      verbatim?: Verbatim;
    }
  /** An event as it is: `notedFrame` in protocol/events.ts says which. No model sees it. */
  | { role: 'event'; event: TurnEvent };

/** Bytes of text that take as many tokens as the entry. */
export const sizeInPrompt = (entry: Entry): number =>
  Buffer.byteLength(JSON.stringify(entry)) + fileBytes(promptFilesOf(entry));

/** The files that a model is given with the entry. */
export function promptFilesOf(entry: Entry): FilePart[] {
  if (entry.role === 'user') return filesOf(entry.content);
  return entry.role === 'tool_result' ? shownFiles(entry.shown) : [];
}

/** Whether a prompt is made of it. */
export const isSpoken = (entry: Entry): boolean => entry.role !== 'event' || isShownToModels(entry.event);

/** Whether models that are not given the provider's own are told of it. */
export const isShownToModels = (event: TurnEvent): event is Extract<TurnEvent, { type: 'source' | 'file' }> =>
  event.type === 'source' || event.type === 'file';

/** The longest text of one assistant entry, in UTF-16 code units, so that each entry fits into one frame of `history`. */
const MAX_TEXT = Math.floor(MAX_CONTENT_BYTES / 6);

/** Where a turn's entries stand: what the next events add to. */
export interface EntriesSoFar {
  turn: TurnId;
  /** Number of the next entry. */
  next: number;
  /** Text of the assistant that may still grow. */
  text: string;
  /** Of a finished call that left no entry: it belongs to the answer that goes on from it. */
  held?: Verbatim;
}

/**
 * The entries of one turn. They follow from its committed events alone, so every worker computes the same ones (P1, P3).
 *
 * @param open whether text that may still grow is an entry: for a prompt it is, for the stored transcript it is not
 */
export function entriesOf(
  events: readonly TurnEvent[],
  open: 'hold back' | 'include' = 'hold back',
): Entry[] {
  const first = events[0];
  if (first?.type !== 'turn_start') return [];
  const { entries, soFar } = addEvents({ turn: first.turn, next: first.entry, text: '' }, events);
  const { turn, next: n, text, held } = soFar;
  if (open === 'hold back' || (!text && !held)) return entries;
  const verbatim = text ? undefined : held;
  return [...entries, { n, turn, role: 'assistant', content: text, ...(verbatim && { verbatim }) }];
}

/** The number of the last entry, once text that may still grow has ended. */
export const lastEntry = ({ next, text }: EntriesSoFar): number => (text ? next : next - 1);

/** The entries that the events complete, and where the turn's entries stand then. */
export function addEvents(
  { turn, next, text, held }: EntriesSoFar,
  events: readonly TurnEvent[],
): { entries: Entry[]; soFar: EntriesSoFar } {
  const entries: Entry[] = [];
  const add = (content: EntryContent) => entries.push({ n: next + entries.length, turn, ...content });
  const closeText = (verbatim?: Verbatim) => {
    if (text) add({ role: 'assistant', content: text, ...(verbatim && { verbatim }) });
    text = '';
  };
  const close = (verbatim?: Verbatim) => {
    closeText(verbatim);
    held = undefined;
  };
  for (const event of events) {
    switch (event.type) {
      case 'applied':
        close();
        for (const { id, content, at, from } of event.messages)
          add({ role: 'user', id, content, at, step: event.step, ...(from && { from }) });
        break;
      case 'chunk':
        text += event.content;
        while (text.length > MAX_TEXT) {
          const end = cutAt(text, MAX_TEXT);
          add({ role: 'assistant', content: text.slice(0, end) });
          text = text.slice(end);
        }
        break;
      case 'tool_call': {
        const { id, name, args, provider_executed } = event;
        // What the provider runs is within its answer.
        if (provider_executed) closeText();
        else close();
        add({ role: 'tool_call', id, name, args, ...(provider_executed && { provider_executed }) });
        break;
      }
      case 'tool_result': {
        const { id, name, output, shown, is_error, truncated, output_length, provider_executed } = event;
        if (provider_executed) closeText();
        add({
          role: 'tool_result',
          id,
          name,
          output,
          ...(shown !== undefined && { shown }),
          ...(is_error && { is_error }),
          ...(truncated && { truncated }),
          ...(output_length !== undefined && { output_length }),
          ...(provider_executed && { provider_executed }),
        });
        break;
      }
      case 'done':
      case 'aborted':
      case 'error':
        // rule: every-end-keeps-text
        close();
        add({ role: 'event', event });
        break;
      case 'approval_request':
      case 'approval_resolved':
      case 'history_trimmed':
      case 'model_changed':
      case 'source':
      case 'file':
      case 'compacted':
      case 'data':
        // The answer that `held` belongs to goes on.
        closeText();
        add({ role: 'event', event });
        break;
      // Not part of the transcript.
      case 'turn_start':
      case 'thinking':
      case 'tool_progress':
      case 'tool_output_request':
      case 'elicitation_request':
      case 'elicitation_resolved':
      case 'foreign':
        break;
      default:
        // rule: every-event-type-is-handled
        event satisfies never;
    }
    if (!event.verbatim) continue;
    const verbatim = continued(held, event.verbatim);
    const last = entries.at(-1);
    // A finished call ends its text: what follows is another one's.
    if (text) close(verbatim);
    else if (last && canCarry(last)) last.verbatim = continued(last.verbatim, verbatim);
    else held = verbatim;
  }
  return { entries, soFar: { turn, next: next + entries.length, text, ...(held && { held }) } };
}

/** Whether the entry can be the last of a call that has no text behind it: a call of it, or what its provider ran in it. */
const canCarry = (entry: Entry): entry is Extract<Entry, { verbatim?: Verbatim }> =>
  entry.role === 'tool_call' || (entry.role === 'tool_result' && entry.provider_executed === true);

const continued = (before: Verbatim | undefined, next: Verbatim): Verbatim =>
  before?.model === next.model ? { ...next, parts: [...before.parts, ...next.parts] } : next;
