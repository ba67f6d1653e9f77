import type { DayBudget } from '../../config/settings/budgets.ts';
import type { SessionSettings } from '../../config/settings/sessions.ts';
import { epochMs, milliseconds, seconds, toMs } from '../../config/units.ts';
import type { Content } from '../../core/content.ts';
import type { Core } from '../../core/core.ts';
import type { Entry } from '../../core/events/entries.ts';
import type { TurnEvent } from '../../core/events/events.ts';
import { asConnectionId, asMessageId, asSessionId, type ConnectionId } from '../../core/ids.ts';
import { closeConnection, registerConnection } from '../../core/inbound/connection-lifecycle.ts';
import { handleFrame } from '../../core/inbound/dispatch.ts';
import { type SystemAnswer, sendSystemMessage } from '../../core/inbound/system-message.ts';
import type { CallSetup, ToolCall } from '../../core/model.ts';
import type { TurnJob, Written } from '../../core/ports.ts';
import { errorReply, reply } from '../../core/replies.ts';
import type { Lane, Principal, Session, StoredEntry, Summary } from '../../core/store/items.ts';
import { messageKey, sessionKey, sessionOf } from '../../core/store/keys.ts';
import { memoryCore } from '../../core/testing/memory-core.ts';
import { isWrite, memoryStore, type StoreCall } from '../../core/testing/memory-store.ts';
import type { SessionAgent, WorkerContext } from '../../core/turn/context.ts';
import { type JobEnd, runJob } from '../../core/turn/worker.ts';
import { scriptedAgent } from './agent.ts';
import { AGENTS, type Served, standingOf } from './agents.ts';
import { Approvals } from './approvals.ts';
import { BusWatch } from './bus-watch.ts';
import { ClientCalls } from './client-calls.ts';
import { Compactions } from './compactions.ts';
import { preparationOf } from './contexts.ts';
import { DeadlineQueue } from './deadline-queue.ts';
import { type ExpirySettings, expirySource } from './expiry.ts';
import { Forks, SessionTable } from './forks.ts';
import { Gateway, type Receiver } from './gateway.ts';
import { HookWatch } from './hooks.ts';
import { BudgetWatch } from './judge-budgets.ts';
import { type PlaceLimits, Places } from './judge-places.ts';
import { LaneWatch } from './lane-watch.ts';
import type { Given } from './parts.ts';
import { Promptness } from './promptness.ts';
import type { Actor, Scheduler, Tag } from './scheduler.ts';
import { nameOf } from './story.ts';
import { SubagentWatch } from './subagents.ts';
import { TitleWatch } from './titles.ts';
import { TurnQueue } from './turn-queue.ts';

/** The services, and the functions as their handlers start them. */

export interface CloudSettings extends PlaceLimits {
  inboxMessages: number;
  steerScope: SessionSettings['steerScope'];
  sessionTurns: number;
  /** Connections of the session. Default: as many as there are devices. */
  sessionConnections?: number;
  queueTimeoutSeconds: number;
  maxReceives: number;
  /** Some queue emulators delete a message by an expired handle. */
  acceptsStaleHandles: boolean;
  /** One tool kills its worker each time it runs. */
  fatalTools: boolean;
  /** Some tools need approval. */
  approvals: boolean;
  /** Messages have options, and the agent prepares each turn. */
  contexts?: boolean;
  /** There are several agents. By device, what it asks for. */
  agents?: ReadonlyMap<string, string | undefined>;
  /** Tools show their progress and send data. */
  shows?: boolean;
  /** A tool asks another agent. */
  subagents?: boolean;
  /** A model writes the title of the session. */
  titles?: boolean;
  /** Devices run a tool. */
  clients?: boolean;
  /** The agent has hooks. */
  hooks?: boolean;
  approvalSeconds: number;
  approvalHoldMs: number;
  /** The response cache is on, and devices send the same question repeatedly. */
  cache: boolean;
  /** How long a post takes, on average. */
  postMs: number;
  /** How likely a lost connection is one whose client vanished without a word: posts to it are not answered. */
  vanish: number;
  /** There is a fallback model. */
  fallback: boolean;
  /** Shorter than the time that a model hangs, or longer than a worker's time limit. */
  stallMs: number;
  /** Enough for a few turns, or for all. */
  contextTokens: number;
  /** What a cut leaves out is summarised. */
  compaction?: boolean;
  /** Entries of old turns expire, one by one. */
  expiry?: ExpirySettings;
  /** What the principal may use in a day. */
  budget?: DayBudget;
  /** An event bus is told of ends, deletions and approvals. */
  tellsBus?: boolean;
  /** The store refuses one kind of a turn's writes for ever, if it holds this. */
  refusal?: Refusal;
}

export interface Refusal {
  /** Of a commit on the lane, an entry, or spilled events. */
  write: 'LANE' | 'ENTRY' | 'EVENTS';
  text: string;
}

/** DynamoDB's answer to a write that it never takes. */
class ValidationException extends Error {
  override readonly name = 'ValidationException';
}

/** The time that a worker reserves for a hand-over. */
const RESERVE_MS = 700;
const PRINCIPAL: Principal = { tenant: 't', subject: 's' };
/** Every history has one session. */
export const SESSION = 'session';

export interface ModelCall {
  /** The model's name. Unknown on the local cloud. */
  model?: string;
  messages: unknown[];
  /** The number of durable events when it was made. */
  seq: number;
  /** Its worker was the last one to claim the lane. A fenced worker may call the model: it cannot commit the answer. */
  current: boolean;
}

export class Cloud {
  readonly table = new SessionTable();
  readonly scheduler: Scheduler;
  readonly settings: CloudSettings;
  readonly connections = new Map<string, Receiver>();
  readonly places: Places;
  readonly budgets: BudgetWatch;
  readonly approvals = new Approvals({
    step: () => this.scheduler.steps,
    trusted: () => this.session?.trusted ?? [],
    isDeleted: () => this.isDeleted,
    violated: (why) => this.violated('approval', why),
  });
  readonly clientCalls = new ClientCalls((why) => this.violated('client', why));
  readonly forks = new Forks(this, PRINCIPAL);
  readonly compactions: Compactions;
  readonly hooks: HookWatch;
  readonly subagents = new SubagentWatch(this);
  readonly titles = new TitleWatch(this);
  readonly bus: BusWatch;
  readonly #turns = new TurnQueue(this);
  readonly #lanes = new LaneWatch(this, (worker) => this.#turns.slotOf(worker));
  readonly #gateway = new Gateway(this);
  readonly #deadlines = new DeadlineQueue(this);
  readonly modelCalls: ModelCall[] = [];
  /** Complete answers without tool calls, with their prompts. */
  readonly answers: { messages: unknown[]; text: string; prepared?: unknown }[] = [];
  /** What models and tools were given of their turns. */
  readonly given: CallSetup[] = [];
  /** Which agent made the model calls of a turn. */
  readonly served: Served[] = [];
  /** How often the agent's code was asked to choose an agent. */
  chosen = 0;
  /** How often the agent's code was asked to prepare a turn. */
  asked = 0;
  /** What the model gave in the calls that it finished. */
  readonly gave = new Map<number, Given>();
  readonly toolRuns = new Map<string, number>();
  /** Every event that was ever durable, by `seq`. */
  readonly committed = new Map<number, TurnEvent>();
  readonly violations = new Map<string, string>();
  readonly promptness = new Promptness();
  /** The ids of all messages that devices sent so far. */
  readonly messageIds: string[] = [];
  /** The ids of messages whose senders received `accepted`. */
  readonly acknowledged = new Set<string>();
  /** The answers to `cancel` for messages that a turn had applied. */
  readonly notPending: { id: string; turn: string; placement: string | undefined }[] = [];
  /** Numbers of the entries that have expired. */
  readonly vanished = new Set<number>();
  /** A client received `deleted`: nothing may be committed from then on. */
  deletionConfirmed = false;
  /** The core's metrics: sums of counts, and how often each time was measured. */
  readonly measured = new Map<string, number>();
  /** How often each milestone of a message was reached. */
  readonly milestones = new Map<string, number>();
  /** The first event that a client received out of order. Only faults may cause this. */
  disorder: string | undefined;

  get refusal(): Refusal | undefined {
    return this.settings.refusal;
  }

  get contextTokens(): number {
    return this.settings.contextTokens;
  }

  constructor(scheduler: Scheduler, settings: CloudSettings) {
    this.scheduler = scheduler;
    this.settings = settings;
    this.places = new Places(this.table, PRINCIPAL, settings);
    this.budgets = new BudgetWatch(this.table, PRINCIPAL, settings, this.titles);
    this.bus = new BusWatch(scheduler);
    this.compactions = new Compactions(this);
    this.hooks = new HookWatch(this);
    scheduler.addSource(this.hooks.queue.source());
    scheduler.addSource(this.compactions.queue.source());
    scheduler.addSource(this.#turns.source());
    scheduler.addSource(this.#deadlines.source());
    scheduler.addSource(this.#turns.redriveSource());
    if (settings.expiry) scheduler.addSource(expirySource(this, settings.expiry));
  }

  get abortsAsked(): ReadonlySet<string> {
    return this.#lanes.abortsAsked;
  }

  get broughtInLate(): ReadonlySet<string> {
    return this.#lanes.broughtInLate;
  }

  /** Whether the actor was the last one to claim a lane. */
  holdsLane(actor: Actor): boolean {
    return this.#lanes.heldBy(actor) !== undefined;
  }

  /** How many turn jobs died. */
  get deadLetters(): number {
    return this.#turns.deadLetters;
  }

  get queued(): number {
    return this.#turns.queued + this.compactions.queue.queued + this.hooks.queue.queued;
  }

  get summaries(): ReadonlyMap<number, string> {
    return this.compactions.stored;
  }

  get session(): Session | undefined {
    return this.table.get(sessionKey(sessionOf(PRINCIPAL, asSessionId(SESSION))));
  }

  get setups(): readonly CallSetup[] | undefined {
    return this.settings.contexts ? this.given : undefined;
  }

  get agents(): readonly Served[] | undefined {
    return this.settings.agents && this.served;
  }

  /** The decisions that were stored. */
  get decided(): ReadonlyMap<string, string> {
    return this.approvals.decided;
  }

  /** Whether the stored session is marked deleted. */
  get isDeleted(): boolean {
    return this.session?.deleted !== undefined;
  }

  /** Whether `MESSAGE#id` holds the message's outcome. */
  knowsOutcome(id: string): boolean {
    return (
      this.table.get(messageKey(sessionOf(PRINCIPAL, asSessionId(SESSION)), asMessageId(id))) !== undefined
    );
  }

  violated(promise: string, why: string): void {
    if (this.violations.has(promise)) return;
    this.violations.set(promise, why);
    this.scheduler.log(`!! ${promise}: ${why}`);
  }

  /** The core of one invocation. Each call of a port is an operation of the actor. */
  coreFor(actor: Actor): Core {
    const { scheduler, table } = this;
    const op = <T>(tag: Tag, write: boolean, run: () => T) => scheduler.operation(actor, tag, write, run);
    return memoryCore({
      store: memoryStore(table, (call, run) =>
        op(
          () => nameOf(call),
          isWrite(call),
          () => this.#watch(actor, call, run),
        ),
      ),
      queues: {
        sendJob: (job, sender) =>
          op(
            () => `send job ${job.slot}`,
            true,
            () => this.#turns.send(job, sender),
          ),
        sendCompaction: (job, sender) =>
          op(
            () => `send compaction from ${job.from}`,
            true,
            () => this.compactions.queue.send(job, sender),
          ),
        sendEnded: (job, sender) =>
          op(
            () => `send end of ${job.turn}`,
            true,
            () => this.hooks.queue.send(job, sender),
          ),
        sendDeadline: (job, delay) =>
          op(
            () => `send deadline ${job.slot} in ${delay} s`,
            true,
            () => this.#deadlines.send(job, toMs(delay)),
          ),
        sendReplay: (replay, delay) =>
          op(
            () => `send replay ${replay.connection} in ${delay} s`,
            true,
            () => this.#deadlines.send({ replay }, toMs(delay)),
          ),
        sendGreeting: (greeting, delay) =>
          op(
            () => `send greeting ${greeting.connection} in ${delay} s`,
            true,
            () => this.#deadlines.send({ greeting }, toMs(delay)),
          ),
        sendFork: (fork, delay) =>
          op(
            () => `send fork ${fork.session} in ${delay} s`,
            true,
            () => this.#deadlines.send({ fork }, toMs(delay)),
          ),
        sendDeletion: (deletion, delay) =>
          op(
            () => `send deletion in ${delay} s`,
            true,
            () => this.#deadlines.send({ deletion }, toMs(delay)),
          ),
      },
      gateway: this.#gateway.portOf(actor),
      ...(this.settings.tellsBus && { bus: this.bus.portOf(actor) }),
      clock: {
        now: () => epochMs(scheduler.now),
        sleep: (duration, signal) => scheduler.sleep(actor, duration, signal),
      },
      newId: () => scheduler.newId('i'),
      log: {
        info() {},
        warn: (text) => scheduler.log(`${actor.id} warns: ${text}`),
        error: (text) => scheduler.log(`${actor.id} logs an error: ${text}`),
        with() {
          return this;
        },
      },
      metrics: {
        count: (name, value = 1) => this.#measure(name, value),
        countBy: (name, part, value = 1) => {
          this.#measure(name, value);
          this.#measure(`${name} ${part}`, value);
        },
        time: (name) => this.#measure(name, 1),
      },
      milestones: {
        reached: (what) => void this.milestones.set(what, (this.milestones.get(what) ?? 0) + 1),
      },
      limits: {
        inboxMessages: this.settings.inboxMessages,
        inboxBytes: 131_072,
        sessionTurns: this.settings.sessionTurns,
        sessionConnections: this.settings.sessionConnections ?? 20,
        principalTurns: this.settings.principalTurns ?? 0,
        tenantTurns: this.settings.tenantTurns ?? 0,
        queueTimeoutSeconds: seconds(this.settings.queueTimeoutSeconds),
        fileBytes: 0,
      },
      sessionSettings: {
        steerScope: this.settings.steerScope,
        imageUrls: true,
        greetSilent: false,
        ...(this.settings.agents && { agents: AGENTS.join(',') }),
      },
      rates: { framesPerMinute: 0, connectionsPerMinute: 0, dayFileBytes: 0 },
      retention: { transcriptDays: 30, eventHours: 24 },
    });
  }

  /** Runs one call of a worker or handler on the table, and notes what the judge needs of it. */
  #watch<R>(actor: Actor, call: StoreCall, run: () => R): R {
    const { key } = call;
    const isOfFork = this.forks.isPartOf(key);
    if (this.#refuses(call)) {
      this.scheduler.count('write refused for ever');
      if (!isOfFork && call.operation === 'put' && key.sk.startsWith('ENTRY#'))
        this.vanished.add((call.item as Entry).n);
      throw new ValidationException('the store never takes this');
    }
    if (isOfFork) {
      const before = this.table.get(key);
      const result = run();
      if (isWrite(call)) this.forks.wrote(call, before);
      return result;
    }
    if (call.operation === 'put' && key.sk.startsWith('ENTRY#')) {
      const before = this.table.get(key);
      if (before && !same(before, call.item))
        this.violated('P8', `entry ${key.sk} was rewritten with other content`);
    }
    const before = key.sk.startsWith('SUMMARY#') ? (this.table.get(key) as Summary | undefined) : undefined;
    const isSession = key.pk.startsWith('SESSION#') && key.sk === '-';
    const sessionBefore = isSession ? (this.table.get(key) as Session | undefined) : undefined;
    const result = run();
    if (key.sk.startsWith('SUMMARY#') && call.operation === 'update') {
      const written = result as Written<Summary>;
      if (written.ok) this.compactions.wrote(before, written.item);
    }
    if (call.operation === 'put' && key.sk.startsWith('ENTRY#') && this.settings.expiry?.areOld) {
      const { first: _, ...old } = call.item as StoredEntry;
      this.table.put(key, old);
    }
    const { excess } = this.places;
    if (key.pk.startsWith('TURNS#') && excess) this.violated('fairness', excess);
    if (isSession && call.operation === 'update') {
      const written = result as Written<Session>;
      if (written.ok) this.titles.wrote(sessionBefore, written.item);
    }
    if (!key.sk.startsWith('LANE#')) return result;
    if (call.operation === 'get') this.#lanes.read(actor, key.sk, result as Lane | undefined);
    if (call.operation === 'update') {
      const written = result as Written<Lane>;
      if (!written.ok) return result;
      this.budgets.written(written.item);
      this.#lanes.written(actor, key.sk, written.item, call.update.change);
    }
    return result;
  }

  #refuses(call: StoreCall): boolean {
    const { refusal } = this.settings;
    if (!refusal || !call.key.sk.startsWith(`${refusal.write}#`)) return false;
    if (call.operation === 'put') return JSON.stringify(call.item).includes(refusal.text);
    if (call.operation !== 'update') return false;
    // What waits on the lane was taken by an earlier write of the same item, so that a commit may move it.
    return call.update.change.some(
      (change) => change.path === 'unspilled' && JSON.stringify(change).includes(refusal.text),
    );
  }

  /** `$connect`. `opened` is called with the connection, or with undefined if the handshake failed. */
  connect(
    sessionId: string,
    receiver: Receiver,
    opened: (connection: ConnectionId | undefined) => void,
  ): void {
    const connection = asConnectionId(this.scheduler.newId('c'));
    this.scheduler.spawn(
      'connect',
      (actor) =>
        registerConnection(this.coreFor(actor), connection, {
          principal: PRINCIPAL,
          sessionId: asSessionId(sessionId),
        }),
      (end) => {
        if (end.ok) this.connections.set(connection, receiver);
        opened(end.ok ? connection : undefined);
      },
    );
  }

  /** Cuts the connection. `$disconnect` is best effort: sometimes it does not run. */
  disconnect(connection: ConnectionId): void {
    if (this.scheduler.random.chance(this.settings.vanish)) {
      this.#gateway.vanishes(connection);
      return;
    }
    this.connections.delete(connection);
    if (this.scheduler.random.chance(0.3)) return;
    this.scheduler.spawn('disconnect', (actor) => closeConnection(this.coreFor(actor), connection));
  }

  /** A message of the application. `answered` is called with the answer, or with undefined if the function failed. */
  systemMessage(
    message: { id: string; content: Content },
    answered: (answer: SystemAnswer | undefined) => void,
  ): void {
    this.messageIds.push(message.id);
    this.scheduler.spawn(
      'send',
      (actor) =>
        sendSystemMessage(this.coreFor(actor), PRINCIPAL, { session_id: SESSION, create: true, message }),
      (end) => answered(end.ok ? end.value : undefined),
    );
  }

  frame(connection: ConnectionId, body: string): void {
    const receivedAt = epochMs(this.scheduler.now);
    const work = async (actor: Actor) => {
      const core = this.coreFor(actor);
      if (body.includes('"revoke"')) this.approvals.revokes(actor);
      try {
        await handleFrame(core, { connectionId: connection, body, receivedAt });
      } catch (error) {
        await reply(core, connection, errorReply('INTERNAL', 'The frame could not be handled.'));
        throw error;
      }
    };
    this.scheduler.spawn('inbound', work, (end) => {
      if (!end.ok) this.connections.get(connection)?.failed();
    });
  }

  /** Runs a turn job, as the turn function does. */
  work(actor: Actor, job: TurnJob, limitMs: number): Promise<JobEnd> {
    return runJob(
      {
        ...this.workerOf(actor),
        core: this.coreFor(actor),
        agentFor: async (session) => {
          const standing = this.settings.agents && standingOf(this, session);
          const { model, fallback, toolbox } = scriptedAgent(this, actor, standing?.name);
          const { budgeting } = this.budgets;
          return {
            ...standing,
            model,
            ...(this.settings.fallback && { fallback }),
            // The turn only asks whether there is one.
            ...(this.settings.compaction && { compactor: async () => model }),
            toolbox,
            ...this.subagents.agentsFor(actor),
            ...this.titles.titlerFor(actor),
            ...(budgeting && { budgeting }),
            ...this.hooks.hooksFor(actor),
            ...(this.settings.contexts && { preparation: preparationOf(this) }),
          };
        },
        maxToolMs: milliseconds(limitMs - 2 * RESERVE_MS),
      },
      job,
    );
  }

  async hookedAgent(actor: Actor): Promise<SessionAgent> {
    const { model, toolbox } = scriptedAgent(this, actor);
    const { budgeting } = this.budgets;
    return {
      model,
      toolbox,
      ...(budgeting && { budgeting }),
      ...this.titles.titlerFor(actor),
      ...this.hooks.hooksFor(actor),
    };
  }

  /** What each worker is given of settings and time. */
  workerOf(actor: Actor): Omit<WorkerContext, 'core' | 'agentFor'> {
    return {
      settings: {
        maxSteps: 5,
        flushMs: milliseconds(100),
        stallMs: milliseconds(this.settings.stallMs),
        waitMs: milliseconds(4 * this.settings.stallMs),
        patienceMs: milliseconds(5000),
        contextTokens: this.settings.contextTokens,
        approvalSeconds: seconds(this.settings.approvalSeconds),
        approvalHoldMs: milliseconds(this.settings.approvalHoldMs),
        cache: { scope: this.settings.cache ? 'principal' : 'off', hours: 1 },
      },
      remainingMs: () => milliseconds(actor.endsAt - this.scheduler.now),
      reserveMs: milliseconds(RESERVE_MS),
      maxToolMs: milliseconds(actor.endsAt),
    };
  }

  #measure(name: string, value: number): void {
    this.measured.set(name, (this.measured.get(name) ?? 0) + value);
  }

  /** P6: the prompt has every message that the worker has read in the inbox. Returns the call's number. */
  modelCalled(actor: Actor, model: string, messages: unknown[]): number {
    this.#lanes.modelCalled(actor);
    // A deletion may remove the transcript while a fenced worker still reads it.
    const current = this.#lanes.heldBy(actor) !== undefined && !this.isDeleted;
    this.spends(actor);
    return this.modelCalls.push({ model, messages, seq: this.committed.size, current });
  }

  /** A model call of a worker begins, which the budget must allow. */
  spends(actor: Actor): void {
    if (!this.holdsLane(actor) || this.isDeleted) return;
    const excess = this.budgets.modelCalled(epochMs(this.scheduler.now));
    if (excess) this.violated('budget', excess);
  }

  heeded(actor: Actor, call: ToolCall, signal: AbortSignal): void {
    this.#lanes.heeded(actor, call, signal);
  }

  runsGuarded(key: string, args: unknown): void {
    this.approvals.runs(key, args, [...this.committed.values()]);
  }
}

function same(a: unknown, b: unknown): boolean {
  const { expires: _, first: __, ...x } = a as Record<string, unknown>;
  const { expires: ___, first: ____, ...y } = b as Record<string, unknown>;
  return JSON.stringify(x) === JSON.stringify(y);
}
