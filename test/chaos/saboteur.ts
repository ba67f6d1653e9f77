import { setTimeout as sleep } from 'node:timers/promises';
import type { LocalCloud } from '../../local/cloud.ts';
import type { Random } from '../simulation/random.ts';
import type { Queues } from '../support/queues.ts';
import type { Person } from './person.ts';
import type { ChaosSession } from './session.ts';
import type { Table } from './table.ts';
import type { Tally } from './tally.ts';

const FUNCTIONS = ['turn', 'inbound', 'connection', 'authorizer', 'deadline'] as const;
type FunctionName = (typeof FUNCTIONS)[number];

const killOf = (name: FunctionName) => `killed in mid-invocation: ${name}`;
export const KILLS = FUNCTIONS.map(killOf);
export const CUTS = ['connections cut by the network', 'connections cut at the client'] as const;
const STOLEN = 'tokens delivered to a second worker at the same time';
const IDLE_KILL = 'killed while idle';
const VANISHED = 'clients that vanished without a word';
const SLOWED = 'times in which posts were slow';
const THROTTLED = 'times in which writes were throttled';

/** Every fault that it can inject, so that a table names also those that were not. */
export const INJECTIONS = [...KILLS, IDLE_KILL, STOLEN, ...CUTS, VANISHED, SLOWED, THROTTLED];

/** How long it waits for a short function to become busy: they run for milliseconds. */
const WATCH_MS = 300;

/** How long such a time lasts. */
const WHILE_MS = [500, 3000] as const;
/** Milliseconds of a post: as usual on AWS, and slower. */
const POST_MS = [8, 25] as const;
/** Write units a second of a session: so few that a commit sometimes waits. */
const WRITE_UNITS = [100, 30] as const;

export interface Surroundings {
  cloud: LocalCloud;
  table: Table;
  queues: Queues;
  people: readonly Person[];
  sessions: readonly ChaosSession[];
}

/** Injects one random fault. */
export async function sabotage(
  { cloud, table, queues, people, sessions }: Surroundings,
  random: Random,
  tally: Tally,
): Promise<void> {
  const roll = random.next();
  if (roll < 0.27) await killBusy('turn');
  else if (roll < 0.38) await killBusy('inbound');
  else if (roll < 0.46) await killBusy('connection');
  else if (roll < 0.49) await killBusy('authorizer');
  else if (roll < 0.51) await killBusy('deadline');
  else if (roll < 0.54) await killIdle();
  else if (roll < 0.64) await stealTurn();
  else if (roll < 0.77) cutByNetwork();
  else if (roll < 0.9) cutAtClient();
  else if (roll < 0.94) vanish();
  else if (roll < 0.97) await slowPosts();
  else await throttleWrites();

  async function killBusy(name: FunctionName): Promise<void> {
    const patience = Date.now() + WATCH_MS;
    let busy = environments(name, 'busy');
    while (busy.length === 0) {
      if (Date.now() > patience) return;
      await sleep(1);
      busy = environments(name, 'busy');
    }
    // At any time between its first and its last line.
    await sleep(name === 'turn' ? random.int(0, 60) : random.int(0, 8));
    const [id] = environments(name, 'busy');
    if (id && (await cloud.functions.kill(id))) tally.add(killOf(name));
  }

  async function killIdle(): Promise<void> {
    const [id] = environments(random.pick(...FUNCTIONS), 'idle');
    if (id && (await cloud.functions.kill(id))) tally.add(IDLE_KILL);
  }

  function environments(name: FunctionName, state: 'busy' | 'idle'): string[] {
    const found = cloud.functions
      .list()
      .filter((fn) => fn.name === name)
      .flatMap((fn) => fn.environments)
      .filter((environment) => environment.state === state)
      .map(({ id }) => id);
    // A random one: the first would always be the oldest.
    return found.length > 1 ? [found[random.int(0, found.length - 1)] ?? ''] : found;
  }

  /** As if a message's visibility time ended too early: another worker receives the same job while the first one lives. */
  async function stealTurn(): Promise<void> {
    const { key } = sessions[random.int(0, sessions.length - 1)] ?? {};
    const active = key ? (await table.session(key))?.active : undefined;
    if (!key || !active) return;
    const { slot, lane } = active;
    // In its own group, since the queue blocks the session's group.
    await queues.send('turn', `stolen-${slot}`, JSON.stringify({ session: key, lane, slot }));
    tally.add(STOLEN);
  }

  function anyConnection(): string | undefined {
    const open = cloud.gateway.connections();
    return open[random.int(0, open.length - 1)];
  }

  function cutByNetwork(): void {
    const id = anyConnection();
    if (!id) return;
    cloud.gateway.cut(id);
    tally.add(CUTS[0]);
  }

  /** The server notices by a post that is not answered, the client by an answer that does not come. */
  function vanish(): void {
    const id = anyConnection();
    if (!id) return;
    cloud.gateway.hang(id);
    tally.add(VANISHED);
  }

  async function slowPosts(): Promise<void> {
    tally.add(SLOWED);
    cloud.gateway.slowPosts(random.pick(...POST_MS));
    await sleep(random.int(...WHILE_MS));
    cloud.gateway.slowPosts(0);
  }

  async function throttleWrites(): Promise<void> {
    tally.add(THROTTLED);
    cloud.dynamodb.limitWrites(random.pick(...WRITE_UNITS));
    await sleep(random.int(...WHILE_MS));
    cloud.dynamodb.limitWrites(Number.POSITIVE_INFINITY);
  }

  function cutAtClient(): void {
    if (people[random.int(0, people.length - 1)]?.cut()) tally.add(CUTS[1]);
  }
}
