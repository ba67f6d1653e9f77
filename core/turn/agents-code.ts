import { type Milliseconds, milliseconds } from '../../config/units.ts';
import type { Clock } from '../ports.ts';

/** How long the agent's code may take for one answer to the turn. */
export const AGENTS_CODE_MS = milliseconds(10_000);

/** The agent's code has not answered in time. */
class LateAnswer extends Error {
  override readonly name = 'LateAnswer';
}

/**
 * What the agent's code answers, if it does in time.
 *
 * @param what of the code, for the error
 * @throws what the code throws, and a `LateAnswer` if it takes longer than `ms`
 */
export async function asked<T>(
  clock: Clock,
  what: string,
  answer: PromiseLike<T>,
  ms: Milliseconds = AGENTS_CODE_MS,
): Promise<T> {
  const over = new AbortController();
  const late = clock.sleep(ms, over.signal).then(() => {
    throw new LateAnswer(`${what} has not answered within ${ms / 1000} s`);
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
