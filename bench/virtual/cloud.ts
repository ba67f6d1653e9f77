import { POST_LIMIT_MS } from '../../aws/timeouts.ts';
import { readTurnSettings } from '../../config/settings/turns.ts';
import { epochMs, milliseconds, type Seconds, toMs } from '../../config/units.ts';
import type { Core } from '../../core/core.ts';
import { asConnectionId, asSessionId, type ConnectionId } from '../../core/ids.ts';
import { registerConnection } from '../../core/inbound/connection-lifecycle.ts';
import { continueReplay } from '../../core/inbound/continue-replay.ts';
import { handleFrame } from '../../core/inbound/dispatch.ts';
import type { Model, Toolbox } from '../../core/model.ts';
import type { ReplayJob, TurnJob } from '../../core/ports.ts';
import type { Principal } from '../../core/store/items.ts';
import type { Key } from '../../core/store/keys.ts';
import { countingIds, memoryCore } from '../../core/testing/memory-core.ts';
import { isWrite, MemoryTable, memoryStore, type StoreCall } from '../../core/testing/memory-store.ts';
import { runJob } from '../../core/turn/worker.ts';
import type { ClientFrame } from '../../protocol/client-frames.ts';
import type { ServerFrame } from '../../protocol/server-frames.ts';
import type { Call } from './time.ts';
import { VirtualTime } from './time.ts';

/** The functions on the way of a message. `authorizer` and `connection` answer a handshake. */
export type Invoked = 'authorizer' | 'connection' | 'inbound' | 'turn' | 'deadline';

/** What a service is asked for, and how long that takes. */
export type DelayOf = (what: 'frame' | 'read' | 'write' | 'send' | 'fifo' | 'post') => number;

/** A call of a function to a service, for whoever counts them. */
interface ServiceCall {
  by: string;
  service: string;
  operation: string;
  /** Of what it carries or gives back, as JSON. */
  bytes: number;
}

export interface CloudOptions {
  delay: DelayOf;
  agent(time: VirtualTime): { model: Model; toolbox: Toolbox };
  /** Hears of each call to a service, whose bytes are counted for this alone. */
  onCall?(call: ServiceCall): void;
  /** Frames are not kept, nor what calls waited for. */
  forgets?: boolean;
  /** Until Lambda ends a turn's invocation. Default: 300 s, as the stack has it. */
  turnMs?: number;
  /** Over the default settings. */
  settings?: Readonly<Record<string, string>>;
  /** How an execution environment starts. Default: each invocation finds one that has started. */
  start?(by: Invoked): Start;
}

/** The start of an execution environment, in milliseconds. */
export interface Start {
  /** Until its code is loaded. */
  loadMs: number;
  /** What it then does before its first invocation. */
  beforeMs: number;
  /** Another function is woken when the code is loaded. */
  wakes?: 'turn';
}

const TURN_MS = 300_000;
const RESERVE_MS = 15_000;
/** After this, Lambda ends the other functions (infra/function-table.ts). */
const FUNCTION_MS = 10_000;

/** A frame at the client: when, and the post that brought it. */
export type Arrived = ServerFrame & { at: number; post: Call };

/**
 * The functions' core on a table and a queue in memory, in virtual time: nothing fails, and each call takes as long as it
 * is said to. What the handlers do beside the core (the lease of the queue's message, logs) is not in it.
 */
export class VirtualCloud {
  readonly time: VirtualTime;
  readonly table = new MemoryTable();
  /** What the table, and whoever counts, took of the processor's time: not ours. */
  standInMs = 0;
  readonly #options: CloudOptions;
  readonly #agent: ReturnType<CloudOptions['agent']>;
  readonly #clients = new Map<string, Client>();
  readonly #hanging = new Set<Client>();
  /** By function: its environments that have started and are idle. */
  readonly #idleEnvironments = new Map<Invoked, number>();
  /** The functions that reached their time limit. */
  readonly killed: string[] = [];
  /** The clients whose connections a function has closed. */
  readonly closed: { client: Client; at: number }[] = [];
  /** By session: the tokens behind the one that a worker has. */
  readonly #groups = new Map<string, TurnJob[]>();
  readonly #newId = countingIds('id');
  #connections = 0;
  #running = 0;
  #idle = Promise.withResolvers<void>();

  constructor(options: CloudOptions) {
    this.#options = options;
    this.time = new VirtualTime({ keepsPath: !options.forgets });
    this.#agent = options.agent(this.time);
  }

  /** A client that is greeted. */
  async connect(principal: Principal, sessionId: string): Promise<Client> {
    const client = await this.open(principal, sessionId);
    client.send({ type: 'connect' });
    await client.next('connected');
    return client;
  }

  /** A client that has sent nothing yet. */
  async open(principal: Principal, sessionId: string): Promise<Client> {
    const id = asConnectionId(`connection-${++this.#connections}`);
    await this.#invoke('authorizer', FUNCTION_MS, async () => {});
    await this.#invoke('connection', FUNCTION_MS, (core) =>
      registerConnection(core, id, { principal, sessionId: asSessionId(sessionId) }),
    );
    const keeps = !this.#options.forgets;
    const client = new Client(this.time, keeps, (body) => this.#frame(id, principal, body));
    this.#clients.set(id, client);
    return client;
  }

  /** The client vanishes without a word: posts to it are never answered. */
  hang(client: Client): void {
    this.#hanging.add(client);
  }

  /** Resolves when no function runs any more. */
  async settled(): Promise<void> {
    while (this.#running > 0) await this.#idle.promise;
  }

  #begun(): () => void {
    this.#running++;
    return () => {
      if (--this.#running > 0) return;
      this.#idle.resolve();
      this.#idle = Promise.withResolvers();
    };
  }

  async #frame(connectionId: ConnectionId, principal: Principal, body: string): Promise<void> {
    const over = this.#begun();
    const name = { service: 'execute-api', operation: `frame ${typeOf(body)}`, by: 'client' };
    const receivedAt = epochMs(this.time.now);
    await this.time.call(name, this.#options.delay('frame'), () => {});
    await this.#invoke('inbound', FUNCTION_MS, (core) =>
      handleFrame(core, { connectionId, body, receivedAt, countedFor: principal }),
    );
    over();
  }

  /** Runs a function as Lambda does: at its time limit it is ended, and nothing of it happens any more. */
  async #invoke<T>(
    by: Invoked,
    limitMs: number,
    work: (core: Core) => Promise<T>,
  ): Promise<{ value: T } | undefined> {
    await this.#environment(by);
    const life = { isOver: false };
    const limit = new AbortController();
    const ended = await Promise.race([
      work(this.#coreFor(by, life)).then((value) => ({ value })),
      this.time
        .wait({ service: 'lambda', operation: 'time limit', by }, limitMs, limit.signal)
        .then(() => undefined),
    ]);
    limit.abort();
    if (!ended) {
      life.isOver = true;
      this.killed.push(by);
    }
    this.#idleEnvironments.set(by, (this.#idleEnvironments.get(by) ?? 0) + 1);
    return ended;
  }

  /** One invocation at a time runs in an environment. Where all of them run, another one starts. */
  async #environment(by: Invoked): Promise<void> {
    const idle = this.#idleEnvironments.get(by) ?? 0;
    if (idle > 0) {
      this.#idleEnvironments.set(by, idle - 1);
      return;
    }
    if (!this.#options.start) return;
    const { loadMs, beforeMs, wakes } = this.#options.start(by);
    await this.time.call({ service: 'lambda', operation: 'load', by }, loadMs, () => {});
    if (wakes) void this.#wake(wakes);
    await this.time.call({ service: 'lambda', operation: 'before', by }, beforeMs, () => {});
  }

  /** A message of the turn queue that only starts an environment. */
  async #wake(by: Invoked): Promise<void> {
    const over = this.#begun();
    await this.time.call(
      { service: 'sqs', operation: `to ${by}`, by: 'fifo' },
      this.#options.delay('fifo'),
      () => {},
    );
    await this.#invoke(by, FUNCTION_MS, async () => {});
    over();
  }

  /** A message of the deadline queue, as fast as one of the turn queue. */
  async #continue(replay: ReplayJob, delay: Seconds): Promise<void> {
    const over = this.#begun();
    const name = { service: 'sqs', operation: 'to deadline', by: 'sqs' };
    await this.time.call(name, toMs(delay) + this.#options.delay('fifo'), () => {});
    await this.#invoke('deadline', FUNCTION_MS, (core) => continueReplay(core, replay));
    over();
  }

  #send(job: TurnJob): void {
    const waiting = this.#groups.get(job.session);
    // A message in flight blocks its group.
    if (waiting) waiting.push(job);
    else {
      this.#groups.set(job.session, []);
      void this.#deliver(job);
    }
  }

  async #deliver(job: TurnJob): Promise<void> {
    const over = this.#begun();
    const { time } = this;
    await time.call(
      { service: 'sqs', operation: 'to turn', by: 'fifo' },
      this.#options.delay('fifo'),
      () => {},
    );
    const { turnMs = TURN_MS } = this.#options;
    const endsAt = time.now + turnMs;
    const ended = await this.#invoke('turn', turnMs, (core) =>
      runJob(
        {
          core,
          agentFor: async () => this.#agent,
          settings: readTurnSettings(this.#options.settings ?? {}),
          remainingMs: () => milliseconds(endsAt - time.now),
          reserveMs: milliseconds(RESERVE_MS),
          maxToolMs: milliseconds(turnMs - 2 * RESERVE_MS),
        },
        job,
      ),
    );
    const waiting = this.#groups.get(job.session) ?? [];
    const next = ended?.value === 'over' ? waiting.shift() : job;
    if (next) void this.#deliver(next);
    else this.#groups.delete(job.session);
    over();
  }

  #coreFor(by: string, life = { isOver: false }): Core {
    const { time, table } = this;
    const { delay, onCall } = this.#options;
    const call = <T>(
      service: string,
      kind: Parameters<DelayOf>[0],
      operation: string,
      carried: unknown,
      effect: () => T,
    ): Promise<T> => {
      if (life.isOver) return new Promise(() => {});
      const timed = () => {
        const began = performance.now();
        const result = effect();
        onCall?.({ by, service, operation, bytes: sizeOf(carried ?? result) });
        this.standInMs += performance.now() - began;
        return result;
      };
      return time.call({ service, operation, by }, delay(kind), timed);
    };
    const send = (operation: string, message: unknown, effect: () => void) =>
      call('sqs', 'send', operation, message, effect);
    return memoryCore({
      store: memoryStore(table, (asked, effect) => {
        const operation = `${OPERATIONS[asked.operation]} ${kindOf(asked.key)}`;
        return call('dynamodb', isWrite(asked) ? 'write' : 'read', operation, carriedBy(asked), effect);
      }),
      queues: {
        sendJob: (job) => {
          // The delay to the worker is published from before the call on.
          this.#send(job);
          return send('SendMessage', job, () => {});
        },
        // No agent of the benches summarises.
        sendCompaction: (job) => send('SendMessage compaction', job, () => {}),
        sendEnded: (job) => send('SendMessage ended', job, () => {}),
        // Nobody waits so long here.
        sendDeadline: (job) => send('SendMessage deadline', job, () => {}),
        sendReplay: (replay, delay) => {
          void this.#continue(replay, delay);
          return send('SendMessage replay', replay, () => {});
        },
        // Its clients speak at once.
        sendGreeting: (greeting) => send('SendMessage greeting', greeting, () => {}),
        sendFork: (fork) => send('SendMessage fork', fork, () => {}),
        sendDeletion: (deletion) => send('SendMessage deletion', deletion, () => {}),
      },
      gateway: {
        post: async (connection, frame) => {
          const operation = `post ${typeOf(frame)}`;
          const client = this.#clients.get(connection);
          if (client && this.#hanging.has(client)) {
            await time.wait({ service: 'execute-api', operation, by }, POST_LIMIT_MS);
            return 'unanswered';
          }
          await call('execute-api', 'post', operation, frame, () => {});
          if (!client) return 'gone';
          client.receive(frame, time.current);
          return 'sent';
        },
        disconnect: async (connection) => {
          await call('execute-api', 'post', 'disconnect', {}, () => {});
          const client = this.#clients.get(connection);
          this.#clients.delete(connection);
          if (client) this.closed.push({ client, at: time.now });
          return 'closed';
        },
      },
      clock: {
        now: () => epochMs(Math.floor(time.now)),
        sleep: async (ms, signal) => {
          await time.wait({ service: 'clock', operation: 'wait', by }, ms, signal);
          if (life.isOver) await new Promise(() => {});
        },
      },
      newId: this.#newId,
    });
  }
}

/** As DynamoDB calls them. */
const OPERATIONS: Readonly<Record<StoreCall['operation'], string>> = {
  get: 'GetItem',
  put: 'PutItem',
  putIfAbsent: 'PutItem',
  update: 'UpdateItem',
  delete: 'DeleteItem',
  keys: 'Query',
  query: 'Query',
};

/** What a request carries; undefined for a read, whose answer counts. */
function carriedBy(call: StoreCall): unknown {
  switch (call.operation) {
    case 'put':
    case 'putIfAbsent':
      return call.item;
    case 'update':
      return call.update;
    case 'delete':
      return call.key;
    default:
      return undefined;
  }
}

const sizeOf = (value: unknown): number =>
  value === undefined ? 0 : Buffer.byteLength(JSON.stringify(value));

const typeOf = (frame: string): string => /"type":"(\w+)"/.exec(frame)?.[1] ?? 'frame';

/** By the first word of the sort key, or of the partition key where that says nothing. */
const kindOf = ({ pk, sk }: Key<unknown>): string => (sk === '-' ? pk : sk).split('#')[0] ?? '';

export class Client {
  readonly frames: Arrived[] = [];
  readonly #time: VirtualTime;
  readonly #keeps: boolean;
  readonly #post: (body: string) => Promise<void>;
  #waiting: { is: (frame: Arrived) => boolean; found(frame: Arrived): void }[] = [];
  #failure: unknown;

  constructor(time: VirtualTime, keeps: boolean, post: (body: string) => Promise<void>) {
    this.#time = time;
    this.#keeps = keeps;
    this.#post = post;
  }

  /** Gives when it was sent. */
  send(frame: ClientFrame): number {
    this.#post(JSON.stringify(frame)).catch((error: unknown) => {
      this.#failure = error;
    });
    return this.#time.now;
  }

  receive(text: string, post: Call | undefined): void {
    if (!post) throw new Error('A frame came without a post.');
    const frame = Object.assign(JSON.parse(text) as ServerFrame, { at: this.#time.now, post });
    if (this.#keeps) this.frames.push(frame);
    this.#waiting = this.#waiting.filter(({ is, found }) => {
      const matches = is(frame);
      if (matches) found(frame);
      return !matches;
    });
  }

  /** The next frame of this kind that comes. */
  next(type: ServerFrame['type'], is: (frame: Arrived) => boolean = () => true): Promise<Arrived> {
    if (this.#failure) throw this.#failure;
    return new Promise((found) => {
      this.#waiting.push({ is: (frame) => frame.type === type && is(frame), found });
    });
  }
}
