import { setTimeout as sleep } from 'node:timers/promises';
import { startLocalCloud } from '../../local/cloud.ts';
import { Random } from '../simulation/random.ts';
import { startModelServer } from '../support/model-server.ts';
import { openQueues } from '../support/queues.ts';
import { chaosModel } from './agent.ts';
import { comesToRest, probe } from './calm.ts';
import { violationsIn } from './judge.ts';
import { Person } from './person.ts';
import { CUTS, INJECTIONS, KILLS, sabotage } from './saboteur.ts';
import { makeSessions, TOKENS } from './session.ts';
import { openTable } from './table.ts';
import { Tally } from './tally.ts';

export interface ChaosOptions {
  seed: number;
  /** The run continues until there were so many of each. */
  turns: number;
  kills: number;
  cuts: number;
  /** Concurrent sessions, each with one or two users. */
  sessions: number;
  /** Folder of the functions' bundles. Without it, they are bundled first. */
  bundles?: string;
  /** How long there are faults, at most: a promise is broken because something never ends. @default 45 minutes */
  faultsMs?: number;
  /** How long the way to rest may take after the faults, and after each probe. @default - 3 minutes, on a slow machine longer */
  restMs?: number;
  progress?: (line: string) => void;
}

export interface ChaosOutcome {
  seed: number;
  seconds: number;
  injected: Tally;
  checked: Tally;
  /** How often users did what. */
  done: Tally;
  violations: string[];
}

/** Short times and small queues, so that faults have effects soon, and messages are refused. */
export const SETTINGS = {
  MIDTURN_AUTH: 'tokens',
  MIDTURN_TOKENS: TOKENS,
  MIDTURN_MODEL: 'openai-compatible:scripted',
  MIDTURN_TURN_TIMEOUT_SECONDS: '12',
  MIDTURN_VISIBILITY_SECONDS: '2',
  MIDTURN_INBOX_LIMIT: '8',
  MIDTURN_SESSION_QUEUE_LIMIT: '4',
  MIDTURN_SESSION_QUEUE_TIMEOUT_SECONDS: '20',
};

/** How much of the faults may be ahead of the turns. */
const FAULTS_AHEAD = 1.3;
const MAX_ENVIRONMENTS = 16;
const FAULTS_MS = 45 * 60_000;

/** Real clients use the local cloud while functions are killed. Then everything comes to rest, and the judge checks it. */
export async function runChaos(options: ChaosOptions): Promise<ChaosOutcome> {
  const { seed, progress = () => {} } = options;
  const random = new Random(seed);
  const [injected, done, checked] = [new Tally(...INJECTIONS), new Tally(), new Tally()];
  const model = chaosModel(new Random(seed + 1));
  await using stack = new AsyncDisposableStack();
  const server = await startModelServer((request, index) => model.script(request, index));
  stack.defer(() => server.close());
  const cloud = await startLocalCloud({
    settings: { ...SETTINGS, MIDTURN_MODEL_BASE_URL: server.baseUrl },
    maxEnvironments: MAX_ENVIRONMENTS,
    ...(options.bundles !== undefined && { bundles: options.bundles }),
    // Dying functions are expected here.
    log: () => {},
  });
  stack.defer(() => cloud.close());
  const table = openTable(cloud.dynamodb);
  stack.defer(() => table.close());
  const queues = await openQueues(cloud.sqs);
  stack.defer(() => queues.close());

  const sessions = makeSessions(options.sessions);
  const people = sessions.flatMap((session, i) =>
    ['A', 'B']
      .slice(0, i % 2 === 0 ? 1 : 2)
      .map((name) => new Person(cloud.url, session, name, new Random(random.int(0, 1e9)), done)),
  );
  stack.defer(() => {
    for (const { chat } of people) chat.close();
  });

  const begunAt = performance.now();
  const deadline = begunAt + (options.faultsMs ?? FAULTS_MS);
  const isEnough = () =>
    performance.now() > deadline ||
    (turnsSeen(people) >= options.turns &&
      injected.sum(...KILLS) >= options.kills &&
      injected.sum(...CUTS) >= options.cuts);

  /** Keeps the faults in step with the turns: more of them would only keep turns from ending. */
  const isAhead = () =>
    injected.sum(...KILLS, ...CUTS) / (options.kills + options.cuts) >
    FAULTS_AHEAD * ((turnsSeen(people) + people.length) / options.turns);

  const living = people.map(async (person) => {
    const pace = new Random(random.int(0, 1e9));
    while (!isEnough()) {
      await sleep(pace.int(100, 1800));
      // A user who never stops writing gets one endless turn, so sometimes it waits for an answer.
      if (!person.atRest && pace.chance(0.5)) continue;
      await person.act();
    }
  });
  let told = 0;
  while (!isEnough()) {
    await sleep(random.int(50, 450));
    if (!isAhead()) await sabotage({ cloud, table, queues, people, sessions }, random, injected);
    if (performance.now() - told < 10_000) continue;
    told = performance.now();
    progress(
      `${turnsSeen(people)} turns, ${injected.sum(...KILLS)} kills, ${injected.sum(...CUTS)} cuts after ${Math.round((told - begunAt) / 1000)} s`,
    );
  }
  await Promise.all(living);

  model.calm = true;
  const where = { people, sessions, table, queues, restMs: options.restMs };
  const moving = await comesToRest(where);
  const findings = async (probed: boolean) => ({
    sessions,
    people,
    calls: model.calls,
    items: await table.all(),
    queued: await queues.count('turn'),
    probed,
  });
  // The probe repairs lanes by touch, so the judge runs before and after it.
  const violations = violationsIn(await findings(false), new Tally());
  if (moving.length > 0) violations.unshift(`liveness: no rest after the faults: ${moving.join(', ')}`);
  const unanswered = moving.length === 0 ? await probe(where) : [];
  if (unanswered.length > 0)
    violations.unshift(`liveness: no rest after the probe: ${unanswered.join(', ')}`);
  for (const line of violationsIn(await findings(moving.length === 0), checked)) {
    if (!violations.includes(line)) violations.push(line);
  }
  return { seed, seconds: (performance.now() - begunAt) / 1000, injected, checked, done, violations };
}

const turnsSeen = (people: readonly Person[]): number => {
  const turns = new Set<string>();
  for (const { seen } of people) for (const frame of seen.values()) turns.add(frame.turn_id);
  return turns.size;
};
