import { epochMs } from '../../config/units.ts';
import type { TurnEvent } from '../../core/events/events.ts';
import { wishesOf } from './agents.ts';
import { Application } from './application.ts';
import type { CloudSettings } from './cloud.ts';
import { Cloud, SESSION } from './cloud.ts';
import type { Act } from './device.ts';
import { Device } from './device.ts';
import type { Witness } from './evidence.ts';
import { judge } from './judge.ts';
import { wasAbandoned } from './judge-transcript.ts';
import type { Kinds } from './kinds.ts';
import { Random } from './random.ts';
import type { Faults } from './scheduler.ts';
import { NO_FAULTS, Scheduler } from './scheduler.ts';

export interface HistoryResult {
  seed: number;
  steps: number;
  injected: Record<string, number>;
  /** By promise: what broke it. */
  violations: Map<string, string>;
  turns: number;
  modelCalls: number;
  /** The core's metrics, by name and part. */
  measured: ReadonlyMap<string, number>;
  milestones: ReadonlyMap<string, number>;
  /** Every event that was ever durable. */
  events: readonly TurnEvent[];
}

export interface HistoryOptions extends Kinds {
  log?: (line: string) => void;
  noFaults?: boolean;
  /** Probabilities of faults, in place of those that the seed decides. */
  faults?: Partial<Faults>;
  /** Only so many acts of each device, for shrinking. */
  acts?: number;
  devices?: number;
}

/** One life of a session: users and faults, then rest, then the judge. Its seed decides everything. */
export async function runHistory(seed: number, options: HistoryOptions = {}): Promise<HistoryResult> {
  const random = new Random(seed);
  const scheduler = new Scheduler(random, options.log);
  // Some histories have no faults: then every event must reach everyone once and in order.
  const calm = random.chance(0.1) || options.noFaults === true;
  const cache = random.chance(0.15);
  const settings: CloudSettings = {
    inboxMessages: random.pick(2, 4, 8),
    steerScope: options.crowd ? 'session' : random.pick('connection', 'session'),
    sessionTurns: random.pick(1, 2, 2, 4),
    queueTimeoutSeconds: random.pick(2, 6, 20),
    maxReceives: random.pick(3, 1000),
    acceptsStaleHandles: random.chance(0.5),
    fatalTools: !calm,
    cache,
    approvals: random.chance(0.3) || options.approvals === true,
    ...(options.contexts && { contexts: true }),
    ...(options.shows && { shows: true }),
    ...(options.subagents && { subagents: true }),
    ...(options.titles && { titles: true }),
    ...(options.clients && { clients: true }),
    approvalSeconds: options.approvals ? 5 : random.pick(5, 45),
    approvalHoldMs: random.pick(0, 3000, 30_000),
    postMs: random.pick(0, 0, 8, 40),
    vanish: random.pick(0, 0.5),
    fallback: random.chance(0.5),
    stallMs: random.pick(2000, 20_000),
    // Without earlier turns, the same question is the same prompt.
    contextTokens: cache ? 0 : random.pick(0, 200, 100_000, 100_000),
  };
  // From numbers of its own, so that the other histories stay as they are.
  const expiry = new Random(seed ^ 0x5e_ed);
  // The judge knows a turn of a prompt by its messages, which are alike where answers are cached.
  if (!cache && expiry.chance(0.2)) settings.expiry = { random: expiry, areOld: expiry.chance(0.5) };
  settings.compaction = settings.contextTokens === 200 && new Random(seed ^ 0xc0).chance(0.6);
  const refusal = new Random(seed ^ 0xbad);
  if (!calm && !cache && !settings.expiry && refusal.chance(0.1))
    settings.refusal = {
      write: refusal.pick('LANE', 'ENTRY', 'EVENTS'),
      // A word of a model, a call and its result, the content of a message.
      text: refusal.pick(
        '<1.1>',
        '<2.2>',
        'call1-0',
        'call2-0',
        'content of Am1',
        'content of Am2',
        'tool_result',
      ),
    };
  // The judge knows what was refused by whole turns, and answers that are cached by their prompts.
  if (options.hooks && !cache && !settings.expiry && !settings.refusal) settings.hooks = true;
  const agents = new Random(seed ^ 0xa9e);
  if (options.contexts && agents.chance(0.6)) settings.agents = wishesOf(agents);
  const counted = new Random(seed ^ 0xfa1);
  if (counted.chance(0.4)) {
    settings.principalTurns = counted.pick(1, 2, 3);
    settings.tenantTurns = counted.pick(0, 0, 1, 2);
  }
  const budget = new Random(seed ^ 0xb0d);
  if (budget.chance(0.2))
    settings.budget = budget.pick({ tokens: budget.pick(1, 15, 30, 60) }, { turns: budget.pick(1, 2, 3) });
  settings.tellsBus = new Random(seed ^ 0xb05).chance(0.3);
  const faults: Faults = calm
    ? NO_FAULTS
    : {
        crash: random.pick(0, 0.005, 0.02),
        pause: random.pick(0, 0.01, 0.03),
        ambiguous: random.pick(0, 0.02, 0.05),
        ghost: random.pick(0, 0.01, 0.03),
        error: random.pick(0, 0.003, 0.01),
        ...options.faults,
      };
  const cloud = new Cloud(scheduler, settings);
  const unexpected = (error: unknown) => {
    if (settings.refusal && error instanceof Error && error.name === 'ValidationException') return;
    cloud.violated('exception', error instanceof Error ? (error.stack ?? error.message) : String(error));
  };
  scheduler.onUnexpected = unexpected;
  const count = options.crowd ? 3 : Math.min(random.pick(1, 2, 2, 3), options.devices ?? 3);
  const deletes = random.chance(0.15);
  const devices: Device[] = [];
  for (let i = 0; i < count; i++) {
    const script = makeScript(
      random,
      scheduler.now,
      Object.values(faults).some((p) => p > 0),
      deletes,
      options.crowd ? CROWD : USUAL,
    ).slice(0, options.acts);
    if (options.titles) addNames(script, new Random(seed ^ (0x71 + i)));
    if (options.forks) addForks(script, new Random(seed ^ (0xf0 + i)));
    // Some connect while a turn runs.
    const comesAt = scheduler.now + (random.chance(0.3) ? random.int(100, 4000) : 0);
    const bare = random.chance(0.3);
    const device = new Device(cloud, 'ABC'[i] ?? 'Z', SESSION, script, { bare, comesAt });
    devices.push(device);
    scheduler.addSource(device);
  }
  const witnesses = (): Witness[] => (application ? [...devices, application] : devices);
  const application = options.outside ? new Application(cloud, new Random(seed ^ 0x0a7)) : undefined;
  if (application) scheduler.addSource(application);
  scheduler.faults = faults;
  scheduler.faultsUntil = scheduler.now + random.int(3000, 25_000);

  const rested = await scheduler.settle(20_000);
  if (!rested) cloud.violated('liveness', `no rest after ${scheduler.steps} steps`);
  else {
    const { uncounted, taken } = cloud.places;
    if (uncounted && faults.ghost === 0) cloud.violated('fairness', uncounted);
    if (calm && taken.length > 0) cloud.violated('fairness', `${taken} are over, and have a place`);
    judgeBudget(cloud);
    judgeBus(cloud, calm);
    if (calm) cloud.titles.judgeCalm();
    const ordered = cloud.deadLetters === 0;
    judge(cloud, witnesses(), { ordered, probed: false, calm });
    // A slow or silent client holds up a stream, up to a limit.
    const quick = settings.postMs === 0 && settings.vanish === 0;
    // Paused workers, and repeats that are late, take their time.
    const unpaused = faults.pause === 0 && faults.ambiguous === 0;
    if (quick && unpaused)
      for (const why of cloud.promptness.late({
        approvals: settings.approvals || settings.clients === true,
        calm,
      }))
        cloud.violated('promptness', why);
    // A post that is under way when its worker is fenced cannot be taken back.
    if (cloud.disorder && faults === NO_FAULTS && !cloud.isDeleted) cloud.violated('P9', cloud.disorder);
    if (cloud.violations.size === 0 && cloud.isDeleted) {
      scheduler.count('session deleted');
      if (calm) everyoneWasTold(cloud, devices);
      await probeDeleted(cloud, devices);
      judge(cloud, witnesses(), { ordered: false, probed: true, calm });
    } else if (cloud.violations.size === 0) {
      await probe(cloud, devices);
      judge(cloud, witnesses(), { ordered: false, probed: true, calm });
    }
  }
  const { injected, steps } = scheduler;
  const { violations, measured, milestones } = cloud;
  const events = [...cloud.committed.values()];
  const turns = new Set(events.map((event) => event.turn)).size;
  const modelCalls = cloud.modelCalls.length;
  return { seed, steps, injected, violations, turns, modelCalls, measured, milestones, events };
}

function judgeBudget(cloud: Cloud): void {
  const events = [...cloud.committed.values()];
  for (const why of cloud.budgets.judge(epochMs(cloud.scheduler.now), events, cloud.isDeleted))
    cloud.violated('budget', why);
}

function judgeBus(cloud: Cloud, calm: boolean): void {
  if (!cloud.settings.tellsBus) return;
  const isLost = (end: TurnEvent) => wasAbandoned(cloud, end);
  for (const why of cloud.bus.judge(cloud.committed.values(), cloud.isDeleted, calm, isLost))
    cloud.violated('bus', why);
}

/** Between and after what the user does otherwise. */
function addForks(script: Act[], random: Random): void {
  for (const { at } of script.slice(1))
    if (random.chance(0.5)) script.push({ at: at + random.int(0, 3000), do: 'fork' });
  script.sort((a, b) => a.at - b.at);
}

/** Names that the user gives, and that the client makes by itself. */
function addNames(script: Act[], random: Random): void {
  for (const { at } of [...script])
    if (random.chance(0.15))
      script.push({ at: at + random.int(0, 3000), do: 'rename', provisional: random.chance(0.7) });
  script.sort((a, b) => a.at - b.at);
}

/** After the faults, the next messages of every user must be answered. */
async function probe(cloud: Cloud, devices: Device[]): Promise<void> {
  const { scheduler } = cloud;
  const { queueTimeoutSeconds } = cloud.settings;
  // As on the next day.
  if (cloud.settings.budget) cloud.settings.budget = { tokens: 1_000_000 };
  scheduler.faultsUntil = scheduler.now;
  const fresh = new Device(cloud, 'P', SESSION, [], { bare: false, comesAt: scheduler.now });
  devices.push(fresh);
  scheduler.addSource(fresh);
  fresh.base = cloud.committed.size;
  await scheduler.settle(5000);
  for (const device of devices) {
    for (const n of [1, 2]) {
      if (!device.online) continue;
      // A lane that the faults left full may refuse the first message, and is repaired by it. The second must be answered.
      if (n === 2 && isTakenIn(cloud, probeOf(device, 1))) continue;
      // An unfinished opening is taken for dead only after a while, and its place is free after its deadline.
      scheduler.now += Math.max(5000, cloud.places.areCounted ? queueTimeoutSeconds * 1000 : 0);
      device.send(probeOf(device, n));
      if (!(await scheduler.settle(8000))) cloud.violated('liveness', 'no rest after the probe');
    }
  }
}

/** Without faults, every open connection must be told of the deletion. */
function everyoneWasTold(cloud: Cloud, devices: readonly Device[]): void {
  for (const device of devices) {
    if (!device.online || device.base === undefined) continue;
    if (!device.bereft) cloud.violated('deletion', `${device.name} was not told that its session is deleted`);
    for (const { id, connection, acknowledgedAt, outcome } of device.sent.values()) {
      const open = acknowledgedAt !== undefined && outcome === undefined && !isTakenIn(cloud, id);
      // A device that was away finds the session gone.
      if (open && connection === device.connection) cloud.violated('P1', `${id} has no outcome`);
    }
  }
}

/** A user who connects after the deletion is told of it, and leaves no item behind. */
async function probeDeleted(cloud: Cloud, devices: Device[]): Promise<void> {
  const { scheduler } = cloud;
  scheduler.faultsUntil = scheduler.now;
  const fresh = new Device(cloud, 'P', SESSION, [], { bare: false, comesAt: scheduler.now });
  devices.push(fresh);
  scheduler.addSource(fresh);
  fresh.base = cloud.committed.size;
  await scheduler.settle(5000);
  if (!fresh.bereft) cloud.violated('deletion', 'a later device was not told that the session is deleted');
}

const probeOf = (device: Device, n: number) => `probe-${device.name}-${n}`;

const isTakenIn = (cloud: Cloud, message: string) =>
  [...cloud.committed.values()].some(
    (event) => event.type === 'applied' && event.messages.some(({ id }) => id === message),
  );

/** The users' acts with their cumulated probabilities. */
const USUAL = { send: 0.52, repeat: 0.6, cancel: 0.7, abort: 0.82, history: 0.85 };
const CROWD = { send: 0.35, repeat: 0.6, cancel: 0.75, abort: 0.82, history: 0.83 };

function makeScript(
  random: Random,
  start: number,
  drops: boolean,
  deletes: boolean,
  often: typeof USUAL,
): Act[] {
  const script: Act[] = [];
  let at = start + random.int(0, 300);
  const acts = random.int(2, 6);
  for (let i = 0; i < acts; i++) {
    at += random.chance(0.5) ? random.int(0, 40) : random.int(50, 1500);
    const r = random.next();
    if (deletes && i > 0 && random.chance(0.2)) script.push({ at, do: 'delete' });
    else if (i === 0 || r < often.send)
      script.push({ at, do: 'send', delivery: random.pick('steer', 'steer', 'steer', 'queue', 'now') });
    else if (r < often.repeat) script.push({ at, do: 'repeat' });
    else if (r < often.cancel) script.push({ at, do: 'cancel', whose: random.pick('own', 'any') });
    else if (r < often.abort) script.push({ at, do: 'abort', pending: random.pick('keep', 'discard') });
    else if (r < often.history) script.push({ at, do: 'history' });
    else if (r < often.history + 0.01) script.push({ at, do: 'rename' });
    else script.push({ at, do: 'drop', forget: drops && random.chance(0.15), ms: random.int(50, 4000) });
  }
  return script;
}
