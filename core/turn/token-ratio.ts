import { type Entry, isSpoken } from '../events/entries.ts';
import type { TurnEvent } from '../events/events.ts';
import type { TurnId } from '../ids.ts';

/** Of an entry's JSON: that of English, with room for what JSON adds. Used while no provider has counted enough. */
const DEFAULT_BYTES = 4;
/** Two counts that are closer say little: a cached prefix, a note or a tool more make a difference of their own. */
const MIN_TOKENS = 500;
/** Beyond these, something else has changed between the two counts. */
const [LEAST_BYTES, MOST_BYTES] = [1, 32];

interface Count {
  model: string;
  tokens: number;
}

/** A turn of the transcript, as far as it was walked through. */
interface Walked {
  turn: TurnId;
  /** What the provider counted at its last call. */
  count?: Count;
  /** Of what that call wrote, and of all else. */
  answer: number;
  rest: number;
  /** Whether what follows is older than the last answer. */
  isPastAnswer: boolean;
  /** What was left out of its prompts: two turns with the same have the same beginning. */
  trimmed: string;
}

/**
 * How many bytes of a transcript its model's provider counts as one token. `done` says what the last call of a turn read
 * (`last_input_tokens`). Instructions and tools are in each of these counts, so the difference of two is that of the entries between
 * them, as long as their prompts begin alike: since the last cut. It follows from the entries alone (P11).
 */
export class TokenRatio {
  #bytesPerToken = DEFAULT_BYTES;
  #newest: { count: Count; trimmed: string } | undefined;
  /** Of what the newest counted call read, and the turn that is reached next did not. */
  #between = 0;
  #walked: Walked | undefined;
  #isOver = false;

  get bytesPerToken(): number {
    return this.#bytesPerToken;
  }

  /** Takes in the next older entry of the transcript, and its size. */
  addOlder(entry: Entry, bytes: number): void {
    if (this.#isOver) return;
    if (this.#walked?.turn !== entry.turn) {
      if (this.#walked) this.#take(this.#walked);
      this.#walked = { turn: entry.turn, answer: 0, rest: 0, isPastAnswer: false, trimmed: '' };
    }
    const walked = this.#walked;
    if (entry.role === 'event') this.#note(entry.event, walked);
    if (!isSpoken(entry)) return;
    walked.isPastAnswer ||= entry.role === 'user' || entry.role === 'tool_result';
    if (walked.count && !walked.isPastAnswer) walked.answer += bytes;
    else walked.rest += bytes;
  }

  #note(event: TurnEvent, walked: Walked): void {
    // Before these, prompts had another form, or another model counted.
    if (event.type === 'model_changed') this.#isOver = true;
    if (event.type === 'history_trimmed') {
      const { reason, form = '', dropped_messages: dropped, compacted_to: to = '' } = event;
      if (reason !== 'context_tokens' && reason !== 'remembered') this.#isOver = true;
      walked.trimmed = `${form} ${dropped} ${to}`;
    }
    if (event.type === 'done' && !event.cached)
      walked.count = { model: `${event.provider}:${event.model}`, tokens: event.last_input_tokens };
  }

  #take({ count, answer, rest, trimmed }: Walked): void {
    const newest = this.#newest;
    if (newest && newest.trimmed !== trimmed) this.#isOver = true;
    else if (count && !newest) this.#newest = { count, trimmed };
    else if (newest) {
      this.#between += answer;
      if (count) this.#compare(newest.count, count);
    }
    this.#between += rest;
  }

  #compare(newest: Count, older: Count): void {
    const tokens = newest.tokens - older.tokens;
    if (newest.model !== older.model || tokens < MIN_TOKENS) return;
    this.#bytesPerToken = Math.min(MOST_BYTES, Math.max(LEAST_BYTES, this.#between / tokens));
  }
}
