import { expect, it } from 'vitest';
import { epochMs } from '../../config/units.ts';
import type { Core } from '../core.ts';
import type { Model, ModelFailure, ModelPart } from '../model.ts';
import type { BusEvent } from '../ports.ts';
import { idleToolbox, type TurnInMemory, turnInMemory } from '../testing/turn-in-memory.ts';

const BEGAN = 1_800_000_000_000;
const LATENCY_MS = 1234;
const REFUSED: ModelFailure = {
  code: 'PROVIDER_ERROR',
  reason: 'unauthorised',
  message: 'No.',
  retryable: false,
  diagnostic: 'scripted',
};

it.each([
  ['done', 'stop'],
  ['error', 'failure'],
])(
  'a turn that ends with %s counts once, also for its agent, with the time from its beginning to its end',
  async (end, how) => {
    let now = BEGAN;
    const measured: unknown[] = [];
    const metrics: Core['metrics'] = {
      count() {},
      countBy(name, kind) {
        if (name === 'Turns' || name === 'AgentTurns') measured.push([name, kind]);
      },
      time(name, ms) {
        if (name === 'TurnTime') measured.push([name, ms]);
      },
    };
    const model: Model = {
      provider: 'test',
      name: 'slow',
      async *stream(): AsyncGenerator<ModelPart> {
        now += LATENCY_MS;
        if (how === 'failure') yield { type: 'failure', failure: REFUSED };
        else yield { type: 'finish', reason: how, usage: { inputTokens: 1, outputTokens: 1 } };
      },
    };
    // Nothing but the model takes time.
    const clock = { now: () => epochMs(now), sleep: async () => {} };
    const turn = await turnInMemory(model, {
      core: { metrics, clock },
      worker: { agentFor: async () => ({ name: 'sales', model, toolbox: idleToolbox }) },
    });
    await turn.send('m', 'hello');
    await turn.run();
    expect(measured).toEqual([
      ['Turns', end],
      ['AgentTurns', 'sales'],
      ['TurnTime', LATENCY_MS],
    ]);
  },
);

it('other systems are told what the turn was about, what it took, and which model spoke last', async () => {
  const told: BusEvent[] = [];
  let now = BEGAN;
  let step = 0;
  const model: Model = {
    provider: 'test',
    name: 'slow',
    price: { currency: 'EUR', input: 1, output: 1 },
    async *stream(): AsyncGenerator<ModelPart> {
      now += LATENCY_MS;
      if (++step === 1) yield { type: 'tool_call', id: 'c', name: 'look', args: {} };
      else yield { type: 'text', text: 'So.' };
      if (step === 1) await turn.send('m3', 'and');
      yield { type: 'finish', reason: 'stop', usage: { inputTokens: 10 * step, outputTokens: 1 } };
    },
  };
  const turn: TurnInMemory = await turnInMemory(model, {
    core: {
      clock: { now: () => epochMs(now), sleep: async () => {} },
      bus: {
        async put(events) {
          told.push(...events);
        },
      },
    },
  });
  for (const id of ['m1', 'm2']) await turn.send(id, 'hello');
  now += 5000;
  await turn.run();
  const ended = BEGAN + 5000 + 2 * LATENCY_MS;
  expect(told).toMatchObject([
    {
      type: 'Turn Ended',
      at: ended,
      detail: {
        status: 'done',
        messages: 3,
        steps: 2,
        input_tokens: 30,
        output_tokens: 2,
        last_input_tokens: 20,
        cost: 0.000032,
        provider: 'test',
        model: 'slow',
        started_at: new Date(BEGAN + 5000).toISOString(),
        ended_at: new Date(ended).toISOString(),
        duration_ms: 2 * LATENCY_MS,
      },
    },
  ]);
});
