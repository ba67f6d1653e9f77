import { type Entry, isSpoken } from '../events/entries.ts';

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

/**
 * How many bytes of a transcript its model's provider counts as one token. `done` says what the last call of a turn read
 * (`last_input_tokens`). Instructions and tools are in each of these counts, so the difference of two is that of the entries between
 * them. It follows from the entries alone (P11).
 */
export class TokenRatio {
  #bytesPerToken = DEFAULT_BYTES;
  #newest: Count | undefined;
  /** Of what the newest counted call read, and the one that is reached next did not. */
  #between = 0;
  /** The count of the turn whose last answer is being passed: that call did not read its own answer. */
  #count: Count | undefined;
  #answer = 0;
  #isOver = false;

  get bytesPerToken(): number {
    return this.#bytesPerToken;
  }

  /** Takes in the next older entry of the transcript, and its size. */
  addOlder(entry: Entry, bytes: number): void {
    if (this.#isOver) return;
    if (entry.role === 'event') {
      const { event } = entry;
      // Before it, prompts had another form, or another model counted.
      if (event.type === 'history_trimmed' || event.type === 'model_changed') this.#isOver = true;
      if (event.type === 'done' && !event.cached) {
        this.#count = { model: `${event.provider}:${event.model}`, tokens: event.last_input_tokens };
        this.#answer = 0;
      }
    }
    if (!isSpoken(entry)) return;
    if (this.#count && entry.role !== 'user' && entry.role !== 'tool_result') {
      this.#answer += bytes;
      return;
    }
    if (this.#count) this.#reach(this.#count);
    this.#between += bytes;
  }

  #reach(older: Count): void {
    const newest = this.#newest;
    this.#count = undefined;
    if (!newest) {
      this.#newest = older;
      this.#between = 0;
      return;
    }
    this.#between += this.#answer;
    const tokens = newest.tokens - older.tokens;
    if (newest.model !== older.model || tokens < MIN_TOKENS) return;
    this.#bytesPerToken = Math.min(MOST_BYTES, Math.max(LEAST_BYTES, this.#between / tokens));
  }
}
