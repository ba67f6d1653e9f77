import { WORDS, wordsIn } from './script.ts';

/** What became of an answer that was interrupted, computed from the texts that the client showed. */
export interface Outcome {
  /** Characters that stood on the screen at the interruption. */
  shown: number;
  /** How many of them, from the first on, still stand there in the end. */
  kept: number;
  /** Words of the whole answer that are not on the screen in the end, or more than once. */
  missing: number;
  repeated: number;
  /** The same for somebody who loads the conversation anew, from what is stored. */
  missingAfterReload: number;
  repeatedAfterReload: number;
  /** From the interruption to the first text of the answer that is new; null if none came. */
  newTextAfterMs: number | null;
  /** Model calls after the interruption that began with words which the client had been shown. */
  wordsGeneratedAgain: number;
  /** Words that stood on the screen at the interruption and were gone for as long as an eye sees it, or stood there twice. */
  wordsTakenBack: number;
  /** Tokens of thought and answer that the model was asked for again after it had said them. */
  tokensPaidTwice: number;
  /** Whether the first model call after the interruption had the thoughts from which earlier tool calls came. */
  thoughts: Thoughts;
}

/** `not sent`: they were missing before the interruption, too. `no call`: none came after it. */
export type Thoughts = 'kept' | 'lost' | 'not sent' | 'no call';

export function thoughtsOf(before: boolean, after: boolean | undefined): Thoughts {
  if (after === undefined) return 'no call';
  if (after) return 'kept';
  return before ? 'lost' : 'not sent';
}

/** What is gone for a shorter time is only being drawn anew. */
const BLINK_MS = 50;

/** One client's screen after an interruption, at which the bench looks again and again. */
export class Screen {
  readonly #shown: readonly number[];
  readonly #goneSince = new Map<number, number>();
  readonly #takenBack = new Set<number>();

  /** @param text what stood there at the interruption. */
  constructor(text: string) {
    this.#shown = wordsIn(text);
  }

  /** @param at in milliseconds. */
  look(text: string, at: number): void {
    const count = new Map<number, number>();
    for (const word of wordsIn(text)) count.set(word, (count.get(word) ?? 0) + 1);
    for (const word of this.#shown) {
      const times = count.get(word) ?? 0;
      if (times > 1) this.#takenBack.add(word);
      if (times > 0) this.#goneSince.delete(word);
      else if (at - this.#since(word, at) >= BLINK_MS) this.#takenBack.add(word);
    }
  }

  get wordsTakenBack(): number {
    return this.#takenBack.size;
  }

  #since(word: number, at: number): number {
    const since = this.#goneSince.get(word) ?? at;
    this.#goneSince.set(word, since);
    return since;
  }
}

/** How many of the tokens that were said before stand among those that were said afterwards. */
export function saidTwice(before: readonly string[], after: readonly string[]): number {
  const known = new Set(before);
  return after.filter((token) => known.has(token)).length;
}

export const kept = (shown: string, final: string): number => {
  let length = 0;
  while (length < shown.length && shown[length] === final[length]) length++;
  return length;
};

/** Of the words `0…WORDS-1`. */
export function held(text: string): { missing: number; repeated: number } {
  const words = wordsIn(text);
  const distinct = new Set(words).size;
  return { missing: WORDS - distinct, repeated: words.length - distinct };
}

/** What one client saw: `final` is its screen in the end, `reloaded` that of one that came afterwards. */
export function outcomeOf(
  shown: string,
  final: string,
  reloaded: string,
): Pick<Outcome, 'shown' | 'kept' | 'missing' | 'repeated' | 'missingAfterReload' | 'repeatedAfterReload'> {
  const live = held(final);
  const stored = held(reloaded);
  return {
    shown: shown.length,
    kept: kept(shown, final),
    missing: live.missing,
    repeated: live.repeated,
    missingAfterReload: stored.missing,
    repeatedAfterReload: stored.repeated,
  };
}
