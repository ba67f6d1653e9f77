import type { Visit } from './visit.ts';

/** A pair for each worker that may take the held turn over, and then takes the message of a pair in. */
const PAIRS = 5;

/**
 * Sends long messages to a turn that is held, each twice, until a function has removed the content of a repeat: until the turn takes the
 * message in, the repeat's content is stored before it shows to be one.
 */
export async function sayTwice(
  say: (id: string, content: string) => Promise<void>,
  { session, hold, hasHeard }: Pick<Visit, 'session' | 'hold'> & { hasHeard: () => boolean },
): Promise<void> {
  const content = `told ${session}`.padEnd(2000, '.');
  // Whoever has taken one in goes no further either.
  const gate = hold(content);
  for (let pair = 1; !hasHeard(); pair++) {
    if (pair > PAIRS) throw new Error('No repeat had content to remove.');
    await say(`told-${pair}`, content);
    await say(`told-${pair}`, content);
  }
  gate.open();
}
