import { milliseconds } from '../../config/units.ts';
import type { Clock } from '../ports.ts';

/** How long the agent's code may take for one answer to the turn. */
export const AGENTS_CODE_MS = milliseconds(10_000);

/**
 * What the agent's code answers, if it does in time.
 *
 * @param what of the code, for the error
 * @throws what the code throws, and an `Error` if it takes longer than `AGENTS_CODE_MS`
 */
export async function asked<T>(clock: Clock, what: string, answer: PromiseLike<T>): Promise<T> {
  const over = new AbortController();
  const late = clock.sleep(AGENTS_CODE_MS, over.signal).then(() => {
    throw new Error(`${what} has not answered within ${AGENTS_CODE_MS / 1000} s`);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    over.abort('over');
    late.catch(() => {});
  }
}

/** Of an error of the agent's code, whose message may have content of the conversation. */
export const nameOf = (error: unknown): string => (error instanceof Error ? error.name : typeof error);
