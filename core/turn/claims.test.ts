import { expect, it } from 'vitest';
import { milliseconds } from '../../config/units.ts';
import type { Core } from '../core.ts';
import { decodeEvents } from '../events/events.ts';
import { readEvents } from '../events/journal.ts';
import type { Model, ModelPart } from '../model.ts';
import { MemoryTable, memoryStore } from '../testing/memory-store.ts';
import { idleToolbox, type TurnInMemory, turnInMemory } from '../testing/turn-in-memory.ts';

/** How often a turn is taken over, handed over and set down, and what is counted of it. */

const finish: ModelPart = { type: 'finish', reason: 'stop', usage: { inputTokens: 1, outputTokens: 1 } };
const GIVEN_UP = { type: 'error', code: 'AGENT_ERROR', retryable: true };
/** Claims without progress in between, and claims in all, after which a turn is given up. */
const [MAX_ATTEMPTS, MAX_CLAIMS] = [3, 20];

function metering() {
  const counted: string[] = [];
  const metrics: Core['metrics'] = {
    count: (name) => void counted.push(name),
    countBy() {},
    time() {},
  };
  return { metrics, times: (name: string) => counted.filter((one) => one === name).length };
}

const lastOf = async ({ core, session }: TurnInMemory) => (await readEvents(core, session, 1)).at(-1);

it.each([
  ['without progress', false, MAX_ATTEMPTS + 1],
  ['although it makes progress', true, MAX_CLAIMS],
])(
  'P1: a turn whose workers die %s is given up after so many model calls: progress %s, %d calls',
  async (_, speaks, most) => {
    const { metrics, times } = metering();
    let calls = 0;
    const model: Model = {
      provider: 'test',
      name: 'dies',
      async *stream() {
        calls++;
        if (speaks) yield { type: 'text', text: 'word ' };
        // The word is committed before the next part.
        if (speaks) yield { type: 'text', text: 'word ' };
        throw new Error('the worker dies');
      },
    };
    const turn = await turnInMemory(model, { core: { metrics } });
    await turn.send('m', 'hello');
    // The last worker gives it up.
    expect(await turn.run()).toBe(most + 1);
    expect(calls).toBe(most);
    expect(await lastOf(turn)).toMatchObject(GIVEN_UP);
    expect(times('TakeOvers')).toBe(most);
  },
);

it('P1: a turn that is handed over again and again goes on, and is counted as no take-over', async () => {
  const { metrics, times } = metering();
  let calls = 0;
  let isShort = false;
  const model: Model = {
    provider: 'test',
    name: 'long',
    async *stream(_request, signal) {
      calls++;
      yield { type: 'text', text: 'word ' };
      if (calls > 3 * MAX_CLAIMS) return yield finish;
      isShort = true;
      while (!signal.aborted) await new Promise(setImmediate);
    },
  };
  const turn = await turnInMemory(model, {
    core: { metrics },
    worker: {
      remainingMs: () => milliseconds(isShort ? 1 : 100_000),
      reserveMs: milliseconds(10),
    },
    onDelivery: () => {
      isShort = false;
    },
  });
  await turn.send('m', 'hello');
  expect(await turn.run()).toBe(3 * MAX_CLAIMS + 1);
  expect(await lastOf(turn)).toMatchObject({ type: 'done', steps: 1 });
  expect([times('TakeOvers'), times('HandOvers')]).toEqual([0, 3 * MAX_CLAIMS]);
});

it('P13: a turn that is set down again and again waits for its user, and is counted as no take-over', async () => {
  const { metrics, times } = metering();
  const model: Model = {
    provider: 'test',
    name: 'asks',
    async *stream({ messages }) {
      if (messages.length === 1) yield { type: 'tool_call', id: 'c', name: 'tool', args: {} };
      yield finish;
    },
  };
  const turn = await turnInMemory(model, {
    core: { metrics },
    toolbox: { ...idleToolbox, needsApproval: async () => true },
    settings: { MIDTURN_APPROVAL_HOLD_SECONDS: '0', MIDTURN_APPROVAL_TIMEOUT_SECONDS: '3600' },
  });
  await turn.send('m', 'hello');
  const began = turn.core.clock.now();
  const deliveries = (await turn.run()) ?? 0;
  // Every 5 to 60 seconds.
  expect(deliveries).toBeGreaterThan(60);
  expect(deliveries).toBeLessThan(100);
  expect(await lastOf(turn)).toMatchObject({ type: 'done', steps: 2 });
  expect(times('TakeOvers')).toBe(0);
  const events = await readEvents(turn.core, turn.session, 1);
  const [resolved] = events.filter((event) => event.type === 'approval_resolved');
  expect(resolved).toMatchObject({ decision: 'deny', reason: 'timeout' });
  // It is looked at when its time is over, and not a minute later.
  const took = turn.core.clock.now() - began;
  expect(took).toBeGreaterThanOrEqual(3600_000);
  expect(took).toBeLessThanOrEqual(3602_000);
});

it('P8: what a call has used is stored with the last of its commits, where it has several', async () => {
  const table = new MemoryTable();
  const seen: { calls: number; steps: number }[] = [];
  const store = memoryStore(table, async (access, perform) => {
    const done = perform();
    const lane = access.operation === 'update' && access.key.sk.startsWith('LANE#') && (await turn?.read());
    if (lane && lane.unspilled.length > 0) {
      const calls = decodeEvents(lane.unspilled).filter(({ type }) => type === 'tool_call').length;
      if (calls > 0 && !seen.some((one) => one.steps > 0))
        seen.push({ calls, steps: lane.usage?.steps ?? 0 });
    }
    return done;
  });
  let turn: TurnInMemory | undefined;
  const model: Model = {
    provider: 'test',
    name: 'calls',
    async *stream({ messages }) {
      if (messages.length === 1)
        for (const id of ['c1', 'c2', 'c3'])
          yield { type: 'tool_call', id, name: 'tool', args: { text: 'x'.repeat(30_000) } };
      yield finish;
    },
  };
  turn = await turnInMemory(model, { core: { store } });
  await turn.send('m', 'hello');
  await turn.run();
  expect(await lastOf(turn)).toMatchObject({ type: 'done', steps: 2 });
  const stored = seen.findIndex(({ steps }) => steps > 0);
  expect(seen[stored]?.steps).toBe(1);
  // Before it, fewer calls were committed than all.
  expect(new Set(seen.slice(0, stored).map(({ steps }) => steps))).toEqual(new Set([0]));
  expect(stored).toBe(2);
});
