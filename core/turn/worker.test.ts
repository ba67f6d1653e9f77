import { describe, expect, it } from 'vitest';
import { milliseconds } from '../../config/units.ts';
import type { Core } from '../core.ts';
import type { Model, ModelPart } from '../model.ts';
import { memoryCore } from '../testing/memory-core.ts';
import { idleToolbox, type TurnInMemory, turnInMemory } from '../testing/turn-in-memory.ts';
import { virtualClock } from '../testing/virtual-clock.ts';

/** What an invocation has of time, and what is measured of the turn that it runs. */

const finish: ModelPart = { type: 'finish', reason: 'stop', usage: { inputTokens: 1, outputTokens: 1 } };
const brief: Model = {
  provider: 'test',
  name: 'brief',
  async *stream() {
    yield { type: 'text', text: 'ok' };
    yield finish;
  },
};

describe('an invocation', () => {
  it.each([
    [100_000, 10_000],
    [20_000, 10_000],
    [19_000, 9500],
    [0, 0],
    [-1, 0],
  ])('with %d ms left at the end gives the code that looks on %d of them', async (left, ms) => {
    const given: number[] = [];
    let isOver = false;
    const turn = await turnInMemory(brief, {
      observer: {
        tell: ({ type }) => {
          isOver ||= type === 'done';
        },
        settled: async (most) => void given.push(most),
      },
      worker: { remainingMs: () => milliseconds(isOver ? left : 100_000) },
    });
    await turn.send('m', 'hello');
    expect(await turn.run()).toBe(1);
    expect(given).toEqual([ms]);
  });

  it('that has its reserve left calls the model, and one that has less leaves the turn to the next', async () => {
    let calls = 0;
    const counting: Model = {
      ...brief,
      async *stream(...args) {
        calls++;
        yield* brief.stream(...args);
      },
    };
    let remaining = 1999;
    let settled = 0;
    const turn = await turnInMemory(counting, {
      observer: { tell: () => {}, settled: async () => void settled++ },
      worker: { remainingMs: () => milliseconds(remaining), reserveMs: milliseconds(2000) },
      onDelivery: () => {
        if (settled === 3) remaining = 2000;
      },
    });
    await turn.send('m', 'hello');
    expect(await turn.run()).toBe(4);
    expect([calls, settled]).toEqual([1, 4]);
  });
});

/** The times and the milestones of a turn. */
function measuring() {
  const times: unknown[] = [];
  const reached: unknown[] = [];
  const counted: unknown[] = [];
  const core: Partial<Core> = {
    clock: virtualClock(),
    metrics: {
      ...memoryCore().metrics,
      count: (metric, value = 1) => void counted.push([metric, value]),
      time: (metric, ms) => void times.push([metric, ms]),
    },
    milestones: { reached: (what, _, fields) => void reached.push({ what, ...fields }) },
  };
  return { core, times, reached, counted };
}

describe('what is measured of a turn', () => {
  it('is how long it waited since its first message, and its messages since the first one of them', async () => {
    const { core, times, reached, counted } = measuring();
    const wait = (ms: number) => turn.core.clock.sleep(milliseconds(ms));
    let isSteered = false;
    const steered: Model = {
      ...brief,
      async *stream() {
        await wait(300);
        yield { type: 'text', text: 'ok' };
        if (!isSteered) {
          isSteered = true;
          for (const id of ['c', 'd', 'e']) {
            await turn.send(id, 'and');
            await wait(5000);
          }
        }
        yield finish;
      },
    };
    const turn: TurnInMemory = await turnInMemory(steered, {
      core,
      worker: { agentFor: async () => ({ name: 'guide', model: steered, toolbox: idleToolbox }) },
    });
    await turn.send('a', 'hello');
    await wait(7000);
    await turn.send('b', 'and');
    await wait(500);
    expect(await turn.run()).toBe(1);
    expect(times).toContainEqual(['QueueWait', 7500]);
    expect(times).toContainEqual(['FirstChunk', 300]);
    expect(times.filter((one) => JSON.stringify(one).includes('QueueWait'))).toHaveLength(1);
    expect(counted).toContainEqual(['SteeringTakenIn', 3]);
    expect(counted).toContainEqual(['MessagesAnswered', 5]);
    const of = (what: string) => reached.filter((one) => (one as { what: string }).what === what);
    expect(of('messages applied')).toMatchObject([
      { step: 1, messages: ['a', 'b'], sinceReceivedMs: 7500, agent: 'guide' },
      { step: 2, messages: ['c', 'd', 'e'], sinceReceivedMs: 15_000 },
    ]);
    expect(of('turn ended')).toMatchObject([{ outcome: 'done', messages: 5, steps: 2, agent: 'guide' }]);
    expect(of('turn ended')[0]).not.toHaveProperty('code');
    expect(of('first text')).toMatchObject([{ sinceBegunMs: 300 }]);
    expect(of('turn claimed')).toMatchObject([{ takeOver: false, claims: 1, sinceOpenedMs: 7500 }]);
  });
});
