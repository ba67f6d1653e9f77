import type { NewEvent, Pattern } from './case.ts';

/** An event of the session as the server stores and sends it. */
export type StoredEvent = Pattern & { type: string; seq: number; turn_id: string };

const DONE = {
  input_tokens: 20,
  output_tokens: 5,
  tokens_used: 25,
  last_input_tokens: 20,
  model: 'scripted',
  provider: 'kit',
  steps: 1,
};
const ENDS = new Set(['done', 'aborted', 'error']);

/** The events of a session. It adds what follows from those before: numbers, turns, offsets, the text of a turn's end. */
export class Story {
  readonly events: StoredEvent[] = [];
  #turns = 0;
  #turn: { id: string; firstSeq: number; text: string } | undefined;

  /** The turn that has begun and has not ended. */
  get activeTurn(): { turn_id: string; started_at: number; first_seq: number } | undefined {
    return this.#turn && { turn_id: this.#turn.id, started_at: 1, first_seq: this.#turn.firstSeq };
  }

  add(event: NewEvent): StoredEvent {
    const seq = this.events.length + 1;
    if (event.type === 'turn_start') {
      this.#turns += 1;
      this.#turn = { id: `turn-${this.#turns}`, firstSeq: seq, text: '' };
    }
    const turn = this.#turn;
    if (!turn) throw new Error(`A case has the event ${event.type} outside of a turn.`);
    const stored = { ...this.#completed(event, turn), seq, turn_id: turn.id };
    if (stored.type === 'chunk') turn.text += String(Reflect.get(stored, 'content'));
    if (ENDS.has(stored.type)) this.#turn = undefined;
    this.events.push(stored);
    return stored;
  }

  #completed(event: NewEvent, turn: { text: string }): Pattern & { type: string } {
    if (event.type === 'chunk') return { ...event, offset: turn.text.length };
    if (event.type === 'done') return { ...event, ...DONE, full_response: turn.text };
    if (ENDS.has(event.type)) return { ...event, full_response: turn.text };
    return { ...event };
  }
}
