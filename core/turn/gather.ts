import { cutAt, isHighSurrogate } from '../../protocol/text.ts';
import type { EventDraft } from '../events/events.ts';

/** The longest chunk, in UTF-16 units. A provider may send more at once than fits into a frame. */
const MAX_CHUNK = 4096;

type Kind = 'chunk' | 'thinking';
type Stretch = { type: Kind; content: string };

/**
 * Gathers streamed text and thinking between two flushes: one event for each run of the same kind. Providers divide text
 * anywhere. Half of a surrogate pair at the end of a part waits for its other half, and is dropped if that does not come.
 */
export class Gatherer {
  #gathered: (Stretch | { event: EventDraft })[] = [];
  #half: Stretch | undefined;

  get empty(): boolean {
    return this.#gathered.length === 0;
  }

  add(type: Kind, part: string): void {
    if (part === '') return;
    const whole = this.#half?.type === type ? this.#half.content + part : part;
    const isHalf = isHighSurrogate(whole.charCodeAt(whole.length - 1));
    this.#half = isHalf ? { type, content: whole.slice(-1) } : undefined;
    const content = isHalf ? whole.slice(0, -1) : whole;
    if (content === '') return;
    const last = this.#gathered.at(-1);
    if (last && 'type' in last && last.type === type) last.content += content;
    else this.#gathered.push({ type, content });
  }

  /** Adds what is an event by itself, at its place among text and thinking. */
  addEvent(event: EventDraft): void {
    this.#half = undefined;
    this.#gathered.push({ event });
  }

  /** Returns what was gathered, as events whose first chunk begins at `offset` in the turn's text. */
  drain(offset: number): EventDraft[] {
    const drafts: EventDraft[] = [];
    let at = offset;
    for (const gathered of this.#gathered) {
      if ('event' in gathered) {
        drafts.push(gathered.event);
        continue;
      }
      const { type, content } = gathered;
      for (const piece of pieces(content)) {
        if (type === 'thinking') drafts.push({ type, content: piece });
        else {
          drafts.push({ type, content: piece, offset: at });
          at += piece.length;
        }
      }
    }
    this.#gathered = [];
    return drafts;
  }
}

function* pieces(text: string): Generator<string> {
  let rest = text;
  while (rest.length > MAX_CHUNK) {
    const end = cutAt(rest, MAX_CHUNK);
    yield rest.slice(0, end);
    rest = rest.slice(end);
  }
  yield rest;
}
