import { setTimeout as sleep } from 'node:timers/promises';
import type { Queues } from '../support/queues.ts';
import { POLL_MS, scaled } from '../support/timeouts.ts';
import type { Person } from './person.ts';
import type { ChaosSession } from './session.ts';
import type { Table } from './table.ts';

/** A worker that died before its first heartbeat is replaced after its function's time limit. Several may die in a row. */
const WITHIN_MS = scaled(180_000);

/** Waits until no user waits, no function runs and no job is left. False if that takes too long: the judge tells why. */
export async function comesToRest(where: {
  people: readonly Person[];
  sessions: readonly ChaosSession[];
  table: Table;
  queues: Queues;
}): Promise<boolean> {
  const deadline = Date.now() + WITHIN_MS;
  while (!(await isAtRest(where))) {
    if (Date.now() > deadline) return false;
    await sleep(POLL_MS);
  }
  return true;
}

async function isAtRest({ people, sessions, table, queues }: Parameters<typeof comesToRest>[0]) {
  if (!people.every(({ atRest }) => atRest) || (await queues.count('turn')) > 0) return false;
  const stored = await Promise.all(sessions.map(({ key }) => table.session(key)));
  if (stored.some((session) => session?.active || Object.keys(session?.queue ?? {}).length > 0)) return false;
  return stored.every((session, i) =>
    people.every((person) => person.session !== sessions[i] || person.contiguous >= (session?.seq ?? 0)),
  );
}

/** Waits until dead functions' openings time out. Then the next messages of every user must be answered. */
const DEAD_AFTER_MS = 5000;

export async function probe(where: Parameters<typeof comesToRest>[0]): Promise<void> {
  for (const n of [1, 2]) {
    await sleep(DEAD_AFTER_MS);
    for (const person of where.people) person.send('steer', `probe-${person.name}-${n}`);
    await comesToRest(where);
  }
}
