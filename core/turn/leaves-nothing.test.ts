import { expect, it } from 'vitest';
import { milliseconds } from '../../config/units.ts';
import type { Hooks } from '../hooks.ts';
import type { Model, ModelPart } from '../model.ts';
import { idleToolbox, type TurnInMemory, turnInMemory } from '../testing/turn-in-memory.ts';
import { virtualClock } from '../testing/virtual-clock.ts';

/** A function that is frozen with a timer of a turn that is over wakes with it, in the middle of another turn. */

const USAGE = { inputTokens: 1, outputTokens: 1 };
const LIMIT_MS = milliseconds(60_000);

/** Calls a tool in its first step. */
const answering = (name: string, said: string): Model => ({
  provider: 'test',
  name,
  async *stream({ messages }): AsyncGenerator<ModelPart> {
    if (!messages.some(({ role }) => role === 'tool')) {
      yield { type: 'tool_call', id: 'c1', name: 'ask', args: {} };
      yield { type: 'tool_call', id: 'c2', name: 'tool', args: {} };
      yield { type: 'finish', reason: 'tool_calls', usage: USAGE };
      return;
    }
    yield { type: 'text', text: said };
    yield { type: 'finish', reason: 'stop', usage: USAGE };
  },
});

/** Code of the agent at each place at which a turn asks it. */
const hooks: Hooks = {
  limitMs: () => LIMIT_MS,
  beforeTurn: async () => undefined,
  beforeToolCall: async () => undefined,
  afterToolCall: async () => undefined,
  afterStep: async () => {},
  afterTurn: async () => {},
};

it.each(['is answered', 'is aborted'])(
  'a turn that %s leaves no timer, whatever it has asked and waited for',
  async (how) => {
    const clock = virtualClock();
    const model = answering('outer', 'yes');
    const titler: Model = {
      ...model,
      async *stream() {
        yield { type: 'text', text: 'A title' };
        yield { type: 'finish', reason: 'stop', usage: USAGE };
      },
    };
    const toolbox = {
      ...idleToolbox,
      timeLimitMs: () => LIMIT_MS,
      async run() {
        if (how === 'is aborted') await turn.abort();
        return { output: 'ran', isError: false };
      },
    };
    const turn: TurnInMemory = await turnInMemory(
      { ...model, prepareStep: async (request) => ({ model, request }) },
      {
        core: { clock },
        toolbox,
        hooks,
        titler,
        control: { isStopped: async () => false, readOutput: async ({ text }) => ({ value: text }) },
        preparation: { check: async (options) => ({ options }), prepare: async () => 'prepared' },
        budgeting: {
          holders: ['principal'],
          of: async () => ({ principal: { tokens: 1e9 }, tenant: {} }),
        },
        subagents: new Map([
          [
            'ask',
            {
              promptOf: async () => ({ prompt: 'Well?' }),
              serve: async () => ({ model: answering('inner', 'so'), toolbox, hooks }),
            },
          ],
        ]),
        settings: { MIDTURN_FLUSH_MS: '' },
        worker: { maxToolMs: LIMIT_MS },
      },
    );
    await turn.send('m', 'hello');
    expect(await turn.run()).toBe(1);
    expect(clock.sleeping).toBe(0);
    expect(await turn.followUp()).toBe(1);
    expect(clock.sleeping).toBe(0);
  },
);
