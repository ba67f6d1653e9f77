import { cutAt, isHighSurrogate } from '../../protocol/text.ts';
import type { EventDraft } from '../events/events.ts';

/** The longest chunk, in UTF-16 units. A provider may send more at once than fits into a frame. */
const MAX_CHUNK = 4096;

type Kind = 'chunk' | 'thinking';

/**
 * Gathers streamed text and thinking between two flushes: one event for each run of the same kind. Providers divide text
 * anywhere. Half of a surrogate pair at the end of a part waits for its other half, and is dropped if that does not come.
 */
export class Gatherer {
  #stretches: { type: Kind; content: string }[] = [];
  #half: { type: Kind; content: string } | undefined;

  get empty(): boolean {
    return this.#stretches.length === 0;
  }

  add(type: Kind, part: string): void {
    if (part === '') return;
    const whole = this.#half?.type === type ? this.#half.content + part : part;
    const isHalf = isHighSurrogate(whole.charCodeAt(whole.length - 1));
    this.#half = isHalf ? { type, content: whole.slice(-1) } : undefined;
    const content = isHalf ? whole.slice(0, -1) : whole;
    if (content === '') return;
    const last = this.#stretches.at(-1);
    if (last?.type === type) last.content += content;
    else this.#stretches.push({ type, content });
  }

  /** Returns what was gathered, as events whose first chunk begins at `offset` in the turn's text. */
  drain(offset: number): EventDraft[] {
    const drafts: EventDraft[] = [];
    let at = offset;
    for (const { type, content } of this.#stretches) {
      for (const piece of pieces(content)) {
        if (type === 'thinking') drafts.push({ type, content: piece });
        else {
          drafts.push({ type, content: piece, offset: at });
          at += piece.length;
        }
      }
    }
    this.#stretches = [];
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
