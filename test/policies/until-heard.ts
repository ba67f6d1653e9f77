import type { Visit } from './visit.ts';

const MOST = 5;

/**
 * Plays a part of a scene again until a function has made its call. On a slow machine the call can be needless: somebody else was
 * faster, or took the turn over. Each attempt has a chance of its own.
 */
export async function untilHeard(
  hasHeard: () => boolean,
  attempt: (n: number) => Promise<void>,
): Promise<void> {
  for (let n = 1; !hasHeard(); n++) {
    if (n > MOST) throw new Error(`The call was needless ${MOST} times.`);
    await attempt(n);
  }
}

/**
 * Sends long messages to a turn that is held, each twice, until a function has removed the content of a repeat: until the turn takes the
 * message in, the repeat's content is stored before it shows to be one.
 */
export async function sayTwice(
  say: (id: string, content: string) => Promise<void>,
  { session, hold, hasHeard }: Pick<Visit, 'session' | 'hold'> & { hasHeard: () => boolean },
): Promise<void> {
  const content = `told ${session}`.padEnd(2000, '.');
  // A worker that takes over takes the message in, and is held by it.
  const gate = hold(content);
  await untilHeard(hasHeard, async (n) => {
    await say(`told-${n}`, content);
    await say(`told-${n}`, content);
  });
  gate.open();
}
