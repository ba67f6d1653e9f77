import { readTurnSettings } from '../../config/settings/turns.ts';
import { type EpochSeconds, epochMs, milliseconds } from '../../config/units.ts';
import type { Core } from '../core.ts';
import { asConnectionId, asSessionId } from '../ids.ts';
import { registerConnection } from '../inbound/connection-lifecycle.ts';
import { handleFrame } from '../inbound/dispatch.ts';
import type { Model } from '../model.ts';
import type { TurnContext } from '../turn/context.ts';
import { runJob } from '../turn/worker.ts';
import { memoryCore, recordingPorts } from './memory-core.ts';
import { idleToolbox } from './turn-in-memory.ts';

/** Frames that a client was sent, as it parses them. */
type Frames = Record<string, unknown>[];

/** A client of a session on a table in memory. Turns run when the test says so. */
export interface ClientInMemory {
  core: Core;
  /** All frames so far. */
  frames: Frames;
  /** Sends a frame; a text goes as it is. @returns the frames that came in answer, without those that open the connection */
  send(frame: object | string, receivedAt?: number): Promise<Frames>;
  /** How often the server has closed the connection. */
  closed(): number;
  /** Runs the turns that were sent to the queue since. @returns the frames that came of them */
  run(): Promise<Frames>;
  /** What time it is. It passes only while somebody waits, and by `setNow`. */
  setNow(ms: number): void;
}

/** Says one word. */
const BRIEF: Model = {
  provider: 'test',
  name: 'brief',
  async *stream() {
    yield { type: 'text', text: 'ok' };
    yield { type: 'finish', reason: 'stop', usage: { inputTokens: 1, outputTokens: 1 } };
  },
};

export async function clientInMemory({
  core: parts = {},
  model = BRIEF,
  toolbox = idleToolbox,
  tokenExpires,
}: {
  core?: Partial<Core>;
  model?: Model;
  toolbox?: TurnContext['toolbox'];
  tokenExpires?: EpochSeconds;
} = {}): Promise<ClientInMemory> {
  const { frames, jobs, gateway, queues } = recordingPorts();
  let now = 1_800_000_000_000;
  let closed = 0;
  const core = memoryCore({
    gateway: {
      ...gateway,
      async disconnect() {
        closed++;
        return 'closed';
      },
    },
    queues,
    clock: {
      now: () => epochMs(now),
      sleep: async (duration) => {
        now += duration;
      },
    },
    ...parts,
  });
  const connection = asConnectionId('c');
  await registerConnection(core, connection, {
    principal: { tenant: 't', subject: 's' },
    sessionId: asSessionId('one'),
    ...(tokenExpires !== undefined && { tokenExpires }),
  });
  const context = {
    core,
    agentFor: async () => ({ model, toolbox }),
    settings: readTurnSettings({ MIDTURN_FLUSH_MS: '0' }),
    remainingMs: () => milliseconds(100_000),
    reserveMs: milliseconds(1),
    maxToolMs: milliseconds(1000),
  };
  return {
    core,
    frames,
    async send(frame, receivedAt = now) {
      const before = frames.length;
      const body = typeof frame === 'string' ? frame : JSON.stringify(frame);
      await handleFrame(core, { connectionId: connection, body, receivedAt: epochMs(receivedAt) });
      return frames.slice(before).filter(({ type }) => type !== 'session_start');
    },
    closed: () => closed,
    async run() {
      const before = frames.length;
      for (let job = jobs.shift(); job; job = jobs.shift()) await runJob(context, job);
      return frames.slice(before);
    },
    setNow(ms) {
      now = ms;
    },
  };
}
