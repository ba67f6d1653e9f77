import { cutAt } from '../events/entries.ts';
import type { EventDraft } from '../events/events.ts';

/** The longest chunk, in UTF-16 units. A provider may send more at once than fits into a frame. */
const MAX_CHUNK = 4096;

/** Gathers streamed text and thinking between two flushes: one event for each run of the same kind. */
export class Gatherer {
  #stretches: { type: 'chunk' | 'thinking'; content: string }[] = [];

  get empty(): boolean {
    return this.#stretches.length === 0;
  }

  add(type: 'chunk' | 'thinking', content: string): void {
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
