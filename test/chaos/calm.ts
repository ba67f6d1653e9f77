import { setTimeout as sleep } from 'node:timers/promises';
import type { Queues } from '../support/queues.ts';
import { POLL_MS, scaled } from '../support/timeouts.ts';
import type { Person } from './person.ts';
import type { ChaosSession } from './session.ts';
import type { Table } from './table.ts';

/** A worker that died before its first heartbeat is replaced after its function's time limit. Several may die in a row. */
const REST_MS = scaled(180_000);

/**
 * Waits until no user waits, no function runs and no job is left.
 *
 * @returns what still moves if that takes too long, else nothing
 */
export async function comesToRest(where: Where): Promise<string[]> {
  const deadline = Date.now() + (where.restMs ?? REST_MS);
  for (;;) {
    const moving = await stillMoving(where);
    if (moving.length === 0 || Date.now() > deadline) return moving;
    await sleep(POLL_MS);
  }
}

interface Where {
  people: readonly Person[];
  sessions: readonly ChaosSession[];
  table: Table;
  queues: Queues;
  /** How long it waits. */
  restMs?: number | undefined;
}

async function stillMoving({ people, sessions, table, queues }: Where): Promise<string[]> {
  const moving = people.flatMap(({ name, restless }) =>
    restless === undefined ? [] : [`${name} ${restless}`],
  );
  const jobs = await queues.count('turn');
  if (jobs > 0) moving.push(`${jobs} jobs are in the queue`);
  for (const session of sessions) {
    const { active, queue = {}, seq = 0 } = (await table.session(session.key)) ?? {};
    if (active) moving.push(`${session.label} has the active turn ${active.slot}`);
    if (Object.keys(queue).length > 0) moving.push(`${session.label} has the queue ${Object.keys(queue)}`);
    for (const person of people) {
      if (person.session !== session || person.contiguous >= seq) continue;
      moving.push(`${person.name} has events up to ${person.contiguous} of ${seq}`);
    }
  }
  return moving;
}

/** Dead functions' openings have timed out by then (`OPENER_GRACE_MS`). */
const DEAD_AFTER_MS = 5000;

/**
 * Every user sends a message, twice, and both must be answered.
 *
 * @returns what still moves after it, as `comesToRest` does
 */
export async function probe(where: Where): Promise<string[]> {
  for (const n of [1, 2]) {
    await sleep(DEAD_AFTER_MS);
    for (const person of where.people) person.send('steer', `probe-${person.name}-${n}`);
    const moving = await comesToRest(where);
    if (moving.length > 0) return moving;
  }
  return [];
}
