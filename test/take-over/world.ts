import { medianOf } from '../../bench/latency/delays.ts';
import { VirtualTime } from '../../bench/virtual/time.ts';
import { readTurnSettings, type TurnSettings } from '../../config/settings/turns.ts';
import { epochMs, milliseconds, type Seconds, toMs } from '../../config/units.ts';
import type { Core } from '../../core/core.ts';
import { asConnectionId, asSessionId } from '../../core/ids.ts';
import { registerConnection } from '../../core/inbound/connection-lifecycle.ts';
import { handleFrame } from '../../core/inbound/dispatch.ts';
import type { Model, Toolbox } from '../../core/model.ts';
import { countingIds, memoryCore } from '../../core/testing/memory-core.ts';
import { isWrite, MemoryTable, memoryStore } from '../../core/testing/memory-store.ts';
import { createReceiver } from '../../lambdas/turn/receive.ts';
import type { EventFrame } from '../../protocol/events.ts';
import type { ServerFrame } from '../../protocol/server-frames.ts';

/**
 * The turn function as Lambda runs it, on a queue and a table in memory, in virtual time. A worker can be killed at each
 * of its awaits: nothing of it goes on, and what it has sent takes effect.
 */

/** When a worker dies: with its n-th await, before or after the request that this await is for has left. */
interface Death {
  atAwait: number;
  request: 'unsent' | 'sent';
}

/** One invocation of the turn function. */
interface Worker {
  number: number;
  begunAt: number;
  /** Begin of each of its awaits, from its own begin on. */
  awaits: { what: string; atMs: number }[];
  death: Death | undefined;
  diedAt?: number;
  /** Its answer to Lambda was given. */
  isOver: boolean;
}

interface Message {
  id: string;
  body: string;
  visibleAt: number;
}

export interface Outcome {
  workers: readonly Worker[];
  /** What the client received, as it came. */
  frames: readonly ServerFrame[];
}

export interface WorldOptions {
  /** Of the first worker. Later ones live. */
  death?: Death;
  settings?: Readonly<Record<string, string>>;
  /** What the model says, one word after the other. */
  words: readonly string[];
  wordMs: number;
  /** How long SQS takes to change a message's visibility. Default: the median. */
  heartbeatMs?: number;
  /** What Lambda's context says. Default: the truth. */
  getRemainingTimeInMillis?: () => number;
}

const never = <T>() => new Promise<T>(() => {});
const CONNECTION = asConnectionId('connection');
const PRINCIPAL = { tenant: 'tenant', subject: 'subject' };
/** Whatever an agent asks for before its first turn: secrets, and the tools of its MCP servers. */
const AGENT_MS = 100;
const LISTING_MS = 400;

/** One message of a user, until its turn is over. */
export function runTurnOf(options: WorldOptions): Promise<Outcome> {
  const world = new World(options);
  return world.run();
}

class World {
  readonly #options: WorldOptions;
  readonly #settings: TurnSettings;
  readonly #time = new VirtualTime({ keepsPath: false });
  readonly #table = new MemoryTable();
  readonly #newId = countingIds('id');
  readonly #workers: Worker[] = [];
  readonly #frames: ServerFrame[] = [];
  readonly #queue: Message[] = [];
  readonly #over = Promise.withResolvers<void>();

  constructor(options: WorldOptions) {
    this.#options = options;
    this.#settings = readTurnSettings(options.settings ?? {});
  }

  async run(): Promise<Outcome> {
    await this.#time.run(async () => {
      const core = this.#coreOf(undefined);
      await registerConnection(core, CONNECTION, {
        principal: PRINCIPAL,
        sessionId: asSessionId('session'),
      });
      await handleFrame(core, {
        connectionId: CONNECTION,
        body: JSON.stringify({ type: 'message', content: 'begin' }),
        receivedAt: core.clock.now(),
        countedFor: PRINCIPAL,
      });
      await this.#over.promise;
    });
    return { workers: this.#workers, frames: this.#frames };
  }

  /** Delivers the message at the head of the session's group whenever it is visible: one at a time, as FIFO queues do. */
  async #deliverWhenVisible(): Promise<void> {
    const [head] = this.#queue;
    if (!head || head.visibleAt > this.#time.now) return;
    // Lambda checks that a queue hides its messages at least as long as its function may run.
    this.#hide(head, this.#settings.turnTimeoutSeconds);
    await this.#pause('fifo', medianOf('fifo'));
    await this.#invoke(head);
  }

  #hide(message: Message, duration: Seconds): void {
    message.visibleAt = this.#time.now + toMs(duration);
    void this.#pause('visibility', toMs(duration)).then(() => this.#deliverWhenVisible());
  }

  async #invoke(message: Message): Promise<void> {
    const number = this.#workers.length + 1;
    const death = number === 1 ? this.#options.death : undefined;
    const worker: Worker = { number, begunAt: this.#time.now, awaits: [], death, isOver: false };
    this.#workers.push(worker);
    const limitMs = toMs(this.#settings.turnTimeoutSeconds);
    void this.#pause('time limit', limitMs).then(() => {
      if (!worker.isOver) worker.diedAt ??= this.#time.now;
    });
    const core = this.#coreOf(worker);
    const receive = createReceiver({
      core,
      settings: this.#settings,
      agents: {
        agentFor: async () => {
          await this.#await(worker, 'secret', AGENT_MS, () => {});
          return { model: this.#modelOf(worker), toolbox: NO_TOOLS };
        },
        offerTools: () => this.#await(worker, 'MCP listing', LISTING_MS, () => {}),
      },
      hideMessage: (_handle, duration) =>
        this.#await(worker, 'ChangeMessageVisibility', this.#options.heartbeatMs ?? medianOf('send'), () =>
          this.#hide(message, duration),
        ),
      deadLetters: { send: async () => {} },
    });
    const { batchItemFailures } = await receive(
      { Records: [recordOf(message, worker)] },
      {
        getRemainingTimeInMillis:
          this.#options.getRemainingTimeInMillis ?? (() => worker.begunAt + limitMs - this.#time.now),
      },
    );
    worker.isOver = true;
    if (batchItemFailures.length > 0) return;
    this.#queue.splice(this.#queue.indexOf(message), 1);
    if (this.#queue.length === 0) this.#over.resolve();
    else await this.#deliverWhenVisible();
  }

  /** An await of a worker, or of the inbound function. */
  async #await<T>(worker: Worker | undefined, what: string, ms: number, effect: () => T): Promise<T> {
    if (worker && !this.#survives(worker, what)) return never();
    const answer = await this.#time.call({ service: what, operation: what, by: nameOf(worker) }, ms, effect);
    return worker?.diedAt === undefined ? answer : never();
  }

  /** Counts an await. False if the worker is dead, or dies before its request has left. */
  #survives(worker: Worker, what: string): boolean {
    if (worker.diedAt !== undefined) return false;
    worker.awaits.push({ what, atMs: this.#time.now - worker.begunAt });
    if (worker.awaits.length !== worker.death?.atAwait) return true;
    worker.diedAt = this.#time.now;
    return worker.death.request === 'sent';
  }

  #pause(operation: string, ms: number): Promise<void> {
    return this.#time.wait({ service: 'aws', operation, by: 'aws' }, ms);
  }

  #coreOf(worker: Worker | undefined): Core {
    return memoryCore({
      store: memoryStore(this.#table, (call, effect) =>
        this.#await(worker, call.operation, medianOf(isWrite(call) ? 'write' : 'read'), effect),
      ),
      queues: {
        sendJob: (job) =>
          this.#await(worker, 'SendMessage', medianOf('send'), () => {
            this.#queue.push({ id: this.#newId(), body: JSON.stringify(job), visibleAt: 0 });
            void this.#deliverWhenVisible();
          }),
        sendCompaction: () => this.#await(worker, 'SendMessage', medianOf('send'), () => {}),
        sendEnded: () => this.#await(worker, 'SendMessage', medianOf('send'), () => {}),
        sendDeadline: () => this.#await(worker, 'SendMessage', medianOf('send'), () => {}),
        sendDeletion: () => this.#await(worker, 'SendMessage', medianOf('send'), () => {}),
        sendGreeting: () => this.#await(worker, 'SendMessage', medianOf('send'), () => {}),
        sendFork: () => this.#await(worker, 'SendMessage', medianOf('send'), () => {}),
        sendReplay: () => this.#await(worker, 'SendMessage', medianOf('send'), () => {}),
      },
      gateway: {
        post: (_connection, frame) =>
          this.#await(worker, 'PostToConnection', medianOf('post'), () => {
            this.#frames.push(JSON.parse(frame));
            return 'sent' as const;
          }),
        disconnect: async () => 'closed',
      },
      clock: {
        now: () => epochMs(Math.floor(this.#time.now)),
        sleep: async (ms, signal) => {
          if (worker && !this.#survives(worker, 'sleep')) return never();
          await this.#time.wait({ service: 'clock', operation: 'sleep', by: nameOf(worker) }, ms, signal);
          if (worker?.diedAt !== undefined) return never();
        },
      },
      newId: this.#newId,
    });
  }

  /** Says the words that the prompt does not contain yet. */
  #modelOf(worker: Worker): Model {
    const { words, wordMs } = this.#options;
    const say = (word: string) => this.#await(worker, 'model', wordMs, () => word);
    return {
      provider: 'scripted',
      name: 'scripted',
      async *stream({ messages }, signal) {
        const last = messages.at(-1);
        const said = last?.role === 'assistant' ? last.text : '';
        for (const [n, word] of words.entries()) {
          if (said.includes(word)) continue;
          const text = await say(n === 0 ? word : ` ${word}`);
          if (signal.aborted) return;
          yield { type: 'text', text };
        }
        yield { type: 'finish', reason: 'stop', usage: { inputTokens: 1, outputTokens: 1 } };
      },
    };
  }
}

const nameOf = (worker: Worker | undefined) => (worker ? `worker ${worker.number}` : 'inbound');

const NO_TOOLS: Toolbox = {
  run: async () => ({ output: null, isError: false }),
  needsApproval: async () => false,
  alwaysCovers: async ({ name }) => name,
  isIdempotent: () => false,
  isAbortable: () => false,
  timeLimitMs: () => milliseconds(1000),
};

const recordOf = ({ id, body }: Message, { number }: Worker) => ({
  messageId: id,
  receiptHandle: `${id}-${number}`,
  body,
  attributes: {
    ApproximateReceiveCount: String(number),
    SentTimestamp: '0',
    SenderId: 'sender',
    ApproximateFirstReceiveTimestamp: '0',
  },
  messageAttributes: {},
  md5OfBody: '',
  eventSource: 'aws:sqs',
  eventSourceARN: 'arn',
  awsRegion: 'region',
});

/** Each event once, in the order of `seq`. */
export function eventsIn(frames: readonly ServerFrame[]): EventFrame[] {
  const events = frames.filter((frame): frame is EventFrame => 'seq' in frame);
  return [...new Map(events.map((event) => [event.seq, event])).values()].sort((a, b) => a.seq - b.seq);
}
