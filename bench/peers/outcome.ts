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
): Omit<Outcome, 'newTextAfterMs' | 'wordsGeneratedAgain'> {
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
