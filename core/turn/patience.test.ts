import { setImmediate as nextTick } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { readTurnSettings } from '../../config/settings/turns.ts';
import { epochMs, milliseconds } from '../../config/units.ts';
import { asConnectionId, asSessionId } from '../ids.ts';
import { registerConnection } from '../inbound/connection-lifecycle.ts';
import { handleFrame } from '../inbound/dispatch.ts';
import type { Model, ModelFailure, ModelPart } from '../model.ts';
import { memoryCore, recordingPorts } from '../testing/memory-core.ts';
import { idleToolbox } from '../testing/turn-in-memory.ts';
import { runJob } from './worker.ts';

/** How long a turn waits for its model, in virtual time. */

const finish: ModelPart = { type: 'finish', reason: 'stop', usage: { inputTokens: 1, outputTokens: 1 } };
const failing = (failure: Partial<ModelFailure>): ModelPart => ({
  type: 'failure',
  failure: {
    code: 'PROVIDER_ERROR',
    reason: 'throttled',
    message: 'Limited.',
    retryable: true,
    diagnostic: 'scripted',
    ...failure,
  },
});

interface World {
  now(): number;
  /** Sends a frame as the client does. */
  send(frame: object): Promise<void>;
}
type Call = (world: World, alive: () => void, signal: AbortSignal) => AsyncIterable<ModelPart>;

/** Runs one turn. Time passes only while the product sleeps. */
async function turnWith(calls: readonly Call[]) {
  let now = 1000;
  const { frames, jobs, gateway, queues } = recordingPorts();
  const warnings: Record<string, unknown>[] = [];
  const log = {
    info() {},
    warn: (message: string, fields = {}) => void warnings.push({ message, ...fields }),
    error() {},
    with: () => log,
  };
  const core = memoryCore({
    log,
    gateway,
    queues,
    clock: {
      now: () => epochMs(now),
      async sleep(ms, signal) {
        await nextTick();
        if (!signal?.aborted) now += ms;
      },
    },
  });
  const connectionId = asConnectionId('c');
  await registerConnection(core, connectionId, {
    principal: { tenant: 't', subject: 's' },
    sessionId: asSessionId('s'),
  });
  const send = (frame: object) =>
    handleFrame(core, { connectionId, body: JSON.stringify(frame), receivedAt: epochMs(now) });
  const begun: number[] = [];
  const model: Model = {
    provider: 'test',
    name: 'slow',
    stream(_request, signal, alive = () => {}) {
      const call = calls[begun.push(now) - 1];
      if (!call) throw new Error(`call ${begun.length} is not scripted`);
      return call({ now: () => now, send }, alive, signal);
    },
  };
  await send({ type: 'message', id: 'm1', content: 'first' });
  const context = {
    core,
    agentFor: async () => ({ model, toolbox: idleToolbox }),
    settings: readTurnSettings({}),
    remainingMs: () => milliseconds(1_000_000),
    reserveMs: milliseconds(1),
    maxToolMs: milliseconds(1000),
  };
  for (let job = jobs.shift(); job; job = jobs.shift()) await runJob(context, job);
  return { end: frames.findLast((frame) => 'full_response' in frame), frames, begun, warnings };
}

const answers = (text: string): Call =>
  async function* () {
    yield { type: 'text', text };
    yield finish;
  };
const fails = (failure: Partial<ModelFailure>): Call =>
  async function* () {
    yield failing(failure);
  };
/** Says nothing for that long, with or without life signs. */
const silentFor = (ms: number, { signs }: { signs: boolean }): Call =>
  async function* ({ now }, alive, signal) {
    const began = now();
    while (now() - began < ms && !signal.aborted) {
      await nextTick();
      if (signs) alive();
    }
    if (signal.aborted) return;
    yield { type: 'text', text: 'at last' };
    yield finish;
  };

describe('life signs', () => {
  it('a provider that sends bytes and nothing to show is waited for, longer than MIDTURN_MODEL_STALL_SECONDS', async () => {
    const { end, begun } = await turnWith([silentFor(150_000, { signs: true })]);
    expect(end).toMatchObject({ type: 'done', full_response: 'at last', finish_reason: 'stop' });
    expect(begun).toHaveLength(1);
  });

  it('but not for ever: MIDTURN_MODEL_WAIT_SECONDS ends it', async () => {
    const endless = silentFor(10_000_000, { signs: true });
    const { end } = await turnWith([endless, endless]);
    expect(end).toMatchObject({ type: 'error', reason: 'stalled' });
  });

  it('a silent call is repeated once, each try has its own time, and the log has the time of each', async () => {
    const silent = silentFor(10_000_000, { signs: false });
    const { end, begun, warnings } = await turnWith([silent, silent]);
    expect(end).toMatchObject({ type: 'error', reason: 'stalled', retryable: true });
    expect(begun).toHaveLength(2);
    const [repeated] = warnings.filter(({ message }) => message === 'model call is repeated');
    expect(repeated).toMatchObject({ tries: 1, reason: 'stalled' });
    expect(repeated?.seconds).toBeLessThan(62);
    expect((begun[1] ?? 0) - (begun[0] ?? 0)).toBeGreaterThanOrEqual(60_000);
  });
});

describe('retry-after', () => {
  it.each([undefined, 10])('of %o ms is no shorter than a pause of 250 ms that doubles', async (asked) => {
    const hint = asked === undefined ? {} : { retryAfterMs: milliseconds(asked) };
    const { end, begun } = await turnWith([fails(hint), fails(hint), answers('yes')]);
    const [first = 0, second = 0, third = 0] = begun;
    expect(end).toMatchObject({ type: 'done', full_response: 'yes' });
    expect(second - first).toBeGreaterThanOrEqual(250);
    expect(third - second).toBeGreaterThanOrEqual(500);
  });

  it('is heeded before the next call', async () => {
    const { end, begun } = await turnWith([fails({ retryAfterMs: milliseconds(20_000) }), answers('yes')]);
    expect(end).toMatchObject({ type: 'done', full_response: 'yes' });
    expect((begun[1] ?? 0) - (begun[0] ?? 0)).toBeGreaterThanOrEqual(20_000);
  });

  it('beyond MIDTURN_MODEL_PATIENCE_SECONDS ends the turn at once, and says that the message can be sent again', async () => {
    const { end, begun } = await turnWith([fails({ retryAfterMs: milliseconds(31_000) })]);
    expect(end).toMatchObject({ type: 'error', reason: 'throttled', retryable: true });
    expect(begun).toHaveLength(1);
  });

  it('P6: a message that arrives in the pause is in the next call; an abort ends the turn', async () => {
    const sends = (frame: object): Call =>
      async function* ({ send }) {
        await send(frame);
        yield failing({ retryAfterMs: milliseconds(20_000) });
      };
    const steered = await turnWith([
      sends({ type: 'message', id: 'm2', content: 'second' }),
      answers('both'),
    ]);
    expect(steered.frames.filter(({ type }) => type === 'applied')).toHaveLength(2);
    expect(steered.end).toMatchObject({ type: 'done', full_response: 'both' });
    const stopped = await turnWith([sends({ type: 'abort' })]);
    expect(stopped.end).toMatchObject({ type: 'aborted' });
  });
});

describe('finish_reason', () => {
  it.each(['stop', 'length', 'content_filter', 'refusal', 'house_rule'])('done says %s', async (reason) => {
    const { end } = await turnWith([
      async function* () {
        yield { type: 'text', text: 'so far' };
        yield { ...finish, reason };
      },
    ]);
    expect(end).toMatchObject({ type: 'done', full_response: 'so far', finish_reason: reason });
  });

  it('P3: a paused answer goes on in the next call, and its texts are one', async () => {
    const { end, begun } = await turnWith([
      async function* () {
        yield { type: 'text', text: 'one ' };
        yield { ...finish, reason: 'paused' };
      },
      answers('two'),
    ]);
    expect(end).toMatchObject({ type: 'done', full_response: 'one two', steps: 2, finish_reason: 'stop' });
    expect(begun).toHaveLength(2);
  });

  it('P6: what comes while a silent answer pauses is in the next call', async () => {
    const steered = await turnWith([
      async function* ({ send }) {
        await send({ type: 'message', id: 'm2', content: 'second' });
        yield { ...finish, reason: 'paused' };
      },
      answers('both'),
    ]);
    expect(steered.end).toMatchObject({ type: 'done', full_response: 'both', steps: 2 });
    const stopped = await turnWith([
      async function* ({ send }) {
        await send({ type: 'abort' });
        yield { ...finish, reason: 'paused' };
      },
    ]);
    expect(stopped.end).toMatchObject({ type: 'aborted' });
  });

  it('a model that pauses again and again ends with the last step that is allowed', async () => {
    const pauses: Call = async function* () {
      yield { ...finish, reason: 'paused' };
    };
    const { end } = await turnWith(Array.from({ length: 16 }, () => pauses));
    expect(end).toMatchObject({ type: 'done', steps: 16, finish_reason: 'paused' });
  });
});
