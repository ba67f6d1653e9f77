import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startLocalCloud } from '../../local/cloud.ts';
import { Random } from '../simulation/random.ts';
import { startModelServer } from '../support/model-server.ts';
import { openQueues } from '../support/queues.ts';
import { POLL_MS, scaled } from '../support/timeouts.ts';
import { chaosModel } from './agent.ts';
import { comesToRest, probe } from './calm.ts';
import { freePort, startCloudProcess } from './cloud-process.ts';
import { violationsIn } from './judge.ts';
import { Person } from './person.ts';
import { type ChaosOutcome, SETTINGS } from './run.ts';
import { makeSessions } from './session.ts';
import { openTable } from './table.ts';
import { Tally } from './tally.ts';

export interface RestartOptions {
  seed: number;
  restarts: number;
  sessions: number;
  progress?: (line: string) => void;
}

const RESTARTS = 'the whole local cloud killed and restarted';
const UNDER_WAY = 'answers under way when it was killed';
const WENT_ON = 'of them, gone on with in the same turn';

/**
 * Kills the whole local cloud (tables, queues, gateway, functions) during an answer and restarts it on its data folder,
 * repeatedly. Clients reconnect by themselves. Then everything comes to rest, and the judge checks it.
 */
export async function runRestarts(options: RestartOptions): Promise<ChaosOutcome> {
  const { seed, progress = () => {} } = options;
  const random = new Random(seed);
  const [injected, done, checked] = [new Tally(RESTARTS, UNDER_WAY, WENT_ON), new Tally(), new Tally()];
  const model = chaosModel(new Random(seed + 1));
  await using stack = new AsyncDisposableStack();
  const server = await startModelServer((request, index) => model.script(request, index));
  stack.defer(() => server.close());
  const dataDir = await mkdtemp(join(tmpdir(), 'midturn-chaos-'));
  stack.defer(() => rm(dataDir, { recursive: true, force: true, maxRetries: 10 }));
  const port = await freePort();
  const settings = { ...SETTINGS, MIDTURN_MODEL_BASE_URL: server.baseUrl };
  const start = () => startCloudProcess({ ...settings, PORT: String(port), MIDTURN_DATA_DIR: dataDir });

  const begunAt = performance.now();
  let child = await start();
  stack.defer(() => child.kill());
  const sessions = makeSessions(options.sessions);
  const people = sessions.map(
    (session) => new Person(child.url, session, 'A', new Random(random.int(0, 1e9)), done),
  );
  stack.defer(() => {
    for (const { chat } of people) chat.close();
  });

  const interrupted: { person: Person; turn: string; seq: number }[] = [];
  let over = false;
  const living = people.map(async (person) => {
    const pace = new Random(random.int(0, 1e9));
    while (!over) {
      await sleep(pace.int(100, 1500));
      if (person.online && (person.atRest || pace.chance(0.3))) await person.act();
    }
  });
  for (let n = 1; n <= options.restarts; n++) {
    await sleep(random.int(1000, 4000));
    while (underWay(people).length === 0) await sleep(5);
    interrupted.push(...underWay(people));
    await child.kill();
    injected.add(RESTARTS);
    child = await start();
    progress(`restart ${n} of ${options.restarts}`);
  }
  over = true;
  await Promise.all(living);
  model.calm = true;

  // Stopped normally, and started once more in this process, where the tables and queues can be read.
  await peopleRest(people);
  await child.stop();
  const cloud = await startLocalCloud({ settings, port, dataDir, log: () => {} });
  stack.defer(() => cloud.close());
  const table = openTable(cloud.dynamodb);
  stack.defer(() => table.close());
  const queues = await openQueues(cloud.sqs);
  stack.defer(() => queues.close());
  const where = { people, sessions, table, queues };
  const moving = await comesToRest(where);
  const unanswered = moving.length === 0 ? await probe(where) : [];

  const findings = {
    sessions,
    people,
    calls: model.calls,
    items: await table.all(),
    probed: moving.length === 0,
  };
  const violations = violationsIn({ ...findings, queued: await queues.count('turn') }, checked);
  if (moving.length > 0) violations.push(`liveness: no rest after the restarts: ${moving.join(', ')}`);
  if (unanswered.length > 0) violations.push(`liveness: no rest after the probe: ${unanswered.join(', ')}`);
  injected.add(UNDER_WAY, interrupted.length);
  injected.add(WENT_ON, interrupted.filter(wentOn).length);
  return { seed, seconds: (performance.now() - begunAt) / 1000, injected, checked, done, violations };
}

/** Answers of which a part was received. */
function underWay(people: readonly Person[]) {
  return people.flatMap((person) => {
    const turn = person.chat.transcript.getSnapshot().activeTurn?.turnId;
    const last = [...person.seen.values()].findLast((frame) => frame.turn_id === turn);
    return turn !== undefined && last?.type === 'chunk' ? [{ person, turn, seq: last.seq }] : [];
  });
}

const wentOn = ({ person, turn, seq }: { person: Person; turn: string; seq: number }) =>
  [...person.seen.values()].some((frame) => frame.turn_id === turn && frame.seq > seq);

/** A worker's message stays hidden until its visibility time is over, also if the queue was killed. */
async function peopleRest(people: readonly Person[]): Promise<void> {
  const deadline = Date.now() + scaled(120_000);
  while (!people.every(({ atRest }) => atRest) && Date.now() < deadline) await sleep(POLL_MS);
}
