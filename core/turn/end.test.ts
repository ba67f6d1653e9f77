import { expect, it } from 'vitest';
import { epochMs } from '../../config/units.ts';
import type { Core } from '../core.ts';
import type { Model, ModelFailure, ModelPart } from '../model.ts';
import { idleToolbox, turnInMemory } from '../testing/turn-in-memory.ts';

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
