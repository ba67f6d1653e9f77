import { readTurnSettings } from '../../config/settings/turns.ts';
import { epochMs, expiresAfter, milliseconds, seconds, toMs } from '../../config/units.ts';
import type { MessageFrame } from '../../protocol/client-frames.ts';
import type { Content } from '../content.ts';
import type { Core } from '../core.ts';
import type { Hooks } from '../hooks.ts';
import { asConnectionId, asSessionId, type LaneId, type SessionKey, type SlotId } from '../ids.ts';
import { abortTurn } from '../inbound/abort.ts';
import type { Sender } from '../inbound/acknowledge.ts';
import { acceptMessage } from '../inbound/message.ts';
import type { Budgeting, CallPreparation, LoopControl, Model, Toolbox, TurnObserver } from '../model.ts';
import { openSession } from '../session/sessions.ts';
import type { Connection, Lane } from '../store/items.ts';
import { laneKey, sessionKey, sessionOf } from '../store/keys.ts';
import { compact } from '../turn/compaction.ts';
import type { SessionAgent, WorkerContext } from '../turn/context.ts';
import { followTurn } from '../turn/follow-up.ts';
import { runJob } from '../turn/worker.ts';
import { memoryCore, recordingPorts } from './memory-core.ts';

const ANN = { tenant: 'acme', subject: 'ann' };
const NOW = epochMs(1_800_000_000_000);
const SESSION_ID = asSessionId('s'.padEnd(22, '0'));
const CONNECTION = asConnectionId('connection-id-of-aws');
/** More than any turn needs. */
const MAX_DELIVERIES = 100;

/** A session with one lane on a table in memory, whose client is gone, and the worker that runs its turns. */
export interface TurnInMemory {
  core: Core;
  session: SessionKey;
  lane: LaneId;
  /** Sends a message. The first one opens the turn. @returns whether it is pending */
  send(id: string, content: Content, more?: Pick<MessageFrame, 'delivery' | 'options'>): Promise<boolean>;
  /** Stops the turn. */
  abort(): Promise<void>;
  /**
   * Delivers the job of the lane's slot, or of this one, until it is over, as the queue does.
   *
   * @returns how often; undefined: it is never over
   */
  run(slot?: SlotId): Promise<number | undefined>;
  /** Delivers the jobs for summaries that turns have sent, each until it is over. @returns how many */
  compact(): Promise<number>;
  /** Delivers the jobs of turns that have ended, each until it is over. @returns how many */
  followUp(): Promise<number>;
  read(): Promise<Lane | undefined>;
  /** Where prompts of the session begin. */
  promptFrom(): Promise<number | undefined>;
}

/** Does nothing and asks for no approval. */
export const idleToolbox: Toolbox = {
  run: async () => ({ output: null, isError: false }),
  needsApproval: async () => false,
  alwaysCovers: async ({ name }) => name,
  isIdempotent: () => false,
  isAbortable: () => false,
  timeLimitMs: () => milliseconds(1000),
};

export async function turnInMemory(
  model: Model,
  {
    toolbox = idleToolbox,
    core: parts = {},
    settings = {},
    control,
    observer,
    hooks,
    titler,
    compactor,
    preparation,
    budgeting,
    subagents,
    connection = {},
    worker = {},
    onDelivery = () => {},
  }: {
    control?: LoopControl | undefined;
    observer?: TurnObserver | undefined;
    hooks?: Hooks | undefined;
    /** Writes titles. */
    titler?: Model | undefined;
    /** Writes summaries of what prompts leave out. */
    compactor?: Model | undefined;
    preparation?: CallPreparation | undefined;
    /** What may be used in a day. */
    budgeting?: Budgeting | undefined;
    /** By the names of the tools that ask them. */
    subagents?: SessionAgent['subagents'] | undefined;
    /** What is known of the sender. */
    connection?: Partial<Connection>;
    toolbox?: Toolbox;
    core?: Partial<Core>;
    settings?: Record<string, string>;
    /** What an invocation has of time, for its tools and in all; whose agent it serves. */
    worker?: Partial<Pick<WorkerContext, 'agentFor' | 'remainingMs' | 'reserveMs' | 'maxToolMs'>>;
    /** Called before each delivery. */
    onDelivery?: () => void;
  } = {},
): Promise<TurnInMemory> {
  let now = NOW;
  const { queues, compactions, ended } = recordingPorts();
  const core = memoryCore({
    queues,
    gateway: { post: async () => 'gone', disconnect: async () => 'closed' },
    clock: {
      now: () => now,
      // Time passes only while somebody waits for it.
      sleep: async (duration) => {
        now = epochMs(now + duration);
      },
    },
    ...parts,
  });
  const opened = await openSession(core, {
    principal: ANN,
    sessionId: SESSION_ID,
    connection: CONNECTION,
  });
  if (!opened) throw new Error('half a fork');
  const { lane } = opened;
  const session = sessionOf(ANN, SESSION_ID);
  const key = laneKey(session, lane);
  const sender: Sender = {
    id: CONNECTION,
    connection: {
      principal: ANN,
      sessionId: SESSION_ID,
      session,
      lane,
      resumed: false,
      expires: expiresAfter(NOW, seconds(86_400)),
      ...connection,
    },
  };
  const context: WorkerContext = {
    core,
    agentFor: async () => ({
      model,
      toolbox,
      ...(control && { control }),
      ...(observer && { observer }),
      ...(hooks && { hooks }),
      ...(titler && { titler: async () => titler }),
      ...(compactor && { compactor: async () => compactor }),
      ...(preparation && { preparation }),
      ...(budgeting && { budgeting }),
      ...(subagents && { subagents }),
    }),
    settings: readTurnSettings({ MIDTURN_FLUSH_MS: '0', ...settings }),
    remainingMs: () => milliseconds(100_000),
    reserveMs: milliseconds(1),
    maxToolMs: milliseconds(1000),
    ...worker,
  };
  return {
    core,
    session,
    lane,
    async send(id, content, more) {
      await acceptMessage(core, sender, { type: 'message', id, content, ...more }, core.clock.now());
      const { inbox = {} } = (await core.store.get(key)) ?? {};
      return Object.hasOwn(inbox, id);
    },
    async abort() {
      await abortTurn(core, sender, { type: 'abort' });
    },
    async run(given) {
      const slot = given ?? (await core.store.get(key))?.slot;
      if (slot === undefined) return 0;
      for (let deliveries = 1; deliveries <= MAX_DELIVERIES; deliveries++) {
        onDelivery();
        const end = await runJob(context, { session, lane, slot }).catch(() => 'failed');
        if (end === 'over') return deliveries;
        if (typeof end === 'object') now = epochMs(now + toMs(end.seconds));
      }
      return undefined;
    },
    compact: () => deliverAll(compactions, (job) => compact(context, job)),
    followUp: () => deliverAll(ended, (job) => followTurn(context, job)),
    read: () => core.store.get(key),
    promptFrom: async () => (await core.store.get(sessionKey(session)))?.promptFrom,
  };
}

/** @returns how many jobs there were */
async function deliverAll<J>(queue: J[], deliver: (job: J) => Promise<void>): Promise<number> {
  const jobs = queue.splice(0);
  for (const job of jobs) {
    for (let deliveries = 1; deliveries <= MAX_DELIVERIES; deliveries++) {
      const isOver = await deliver(job).then(
        () => true,
        () => false,
      );
      if (isOver) break;
    }
  }
  return jobs.length;
}
