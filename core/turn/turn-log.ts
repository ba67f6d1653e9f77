import type { EpochMs } from '../../config/units.ts';
import type { EntriesSoFar, Entry } from '../events/entries.ts';
import { addEvents, entriesOf, lastEntry } from '../events/entries.ts';
import type { TurnEvent, TurnStartContext } from '../events/events.ts';
import { isEnd, streamedText } from '../events/events.ts';

/**
 * The committed events of one turn, and what follows from them. It is a function of the events alone, so that a worker
 * that takes over knows the same.
 */
export class TurnLog {
  readonly #events: TurnEvent[];
  #text = '';
  #soFar: EntriesSoFar | undefined;

  /** @param events all committed events of the turn, from its `turn_start` on; none if it has not begun */
  constructor(events: readonly TurnEvent[] = []) {
    this.#events = [];
    if (events[0]?.type === 'turn_start') this.append(events);
  }

  append(events: readonly TurnEvent[]): void {
    this.#soFar = this.#soFarWith(events);
    this.#events.push(...events);
    this.#text += streamedText(events);
  }

  get events(): readonly TurnEvent[] {
    return this.#events;
  }

  /** The assistant text so far. Its length is the offset of the next chunk. */
  get text(): string {
    return this.#text;
  }

  /** The text of a turn's end. Undefined if not all of the turn could be read. */
  get wholeText(): string | undefined {
    return this.#events[0]?.type === 'turn_start' ? this.#text : undefined;
  }

  get hasBegun(): boolean {
    return this.#events.length > 0;
  }

  get hasEnded(): boolean {
    const last = this.#events.at(-1);
    return last !== undefined && isEnd(last);
  }

  /** Where the turn begins: its first event, its first entry, and when. Undefined before it has begun. */
  get start(): { seq: number; entry: number; at: EpochMs } | undefined {
    const first = this.#events[0];
    return first?.type === 'turn_start' ? { seq: first.seq, entry: first.entry, at: first.at } : undefined;
  }

  /** What was committed of who asks, and what was prepared for the turn. */
  get context(): TurnStartContext {
    const first = this.#events[0];
    return (first?.type === 'turn_start' && first.context) || {};
  }

  /** Of several agents, the one that it began with. */
  get agent(): string | undefined {
    const first = this.#events[0];
    return first?.type === 'turn_start' ? first.agent : undefined;
  }

  /** The entries of the transcript, with the text that may still grow. */
  get entriesSoFar(): Entry[] {
    return entriesOf(this.#events, /* rule: prompt-shows-streamed-text */ 'include');
  }

  /** The number of the turn's last entry if it ends after these further events. Undefined before it has begun. */
  lastEntryWith(events: readonly TurnEvent[]): number | undefined {
    const soFar = this.#soFarWith(events);
    return soFar && lastEntry(soFar);
  }

  #soFarWith(events: readonly TurnEvent[]): EntriesSoFar | undefined {
    const [first] = events;
    const begin =
      first?.type === 'turn_start' ? { turn: first.turn, next: first.entry, text: '' } : undefined;
    const soFar = this.#soFar ?? begin;
    return soFar && addEvents(soFar, events).soFar;
  }
}
