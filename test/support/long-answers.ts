import type { ChatRequest, Script } from './model-server.ts';

/** The text of the answer so far, when the model is asked to continue it. */
const saidSoFar = ({ messages }: ChatRequest): string => {
  const last = messages.findLast(({ role }) => role === 'assistant');
  return last?.content ?? '';
};

/** A model that streams these words one by one, and continues after the last one that is stored. */
export const sayingAll =
  (words: readonly string[], chunkDelayMs: number): Script =>
  (request) => {
    let said = saidSoFar(request);
    const left = words.filter((word) => {
      const known = said.startsWith(word);
      if (known) said = said.slice(word.length);
      return !known;
    });
    return { chunks: left, chunkDelayMs };
  };

export const wordsOf = (count: number) => Array.from({ length: count }, (_, n) => `w${n} `);
