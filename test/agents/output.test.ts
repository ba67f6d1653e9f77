import { hasToolCall, Output, tool } from 'ai';
import { expect, test } from 'vitest';
import * as z from 'zod';
import { systemClock } from '../../aws/system.ts';
import { readEvents } from '../../core/events/journal.ts';
import type { Clock } from '../../core/ports.ts';
import { type TurnInMemory, turnInMemory } from '../../core/testing/turn-in-memory.ts';
import { AGENTS_CODE_MS } from '../../core/turn/agents-code.ts';
import type { AgentOptions } from '../../model/agent/agent-options.ts';
import { defineAgent } from '../../model/agent/define-agent.ts';
import { loopControlOf } from '../../model/agent/loop-control.ts';
import type { AgentOutput } from '../../model/agent/output.ts';
import { fingerprintOf } from '../../model/providers/fingerprint.ts';
import { sdkModelOf } from '../../model/providers/sdk-model-of.ts';
import { around } from '../support/text.ts';
import { resultsIn, runAgent, runWithDeaths, scriptedModel } from './agent-in-memory.ts';

const recipe = Output.object({ schema: z.object({ name: z.string(), minutes: z.number() }) });
const SOUP = '{"name": "soup", "minutes": 20}';
const look = {
  idempotent: true,
  tool: tool({ inputSchema: z.object({}), execute: () => 'soup' }),
};

test.each<[string, AgentOutput, string, unknown]>([
  ['an object', recipe, SOUP, { name: 'soup', minutes: 20 }],
  ['an array', Output.array({ element: z.string() }), '{"elements": ["a", "b"]}', ['a', 'b']],
  ['a choice', Output.choice({ options: ['sun', 'rain'] }), '{"result": "rain"}', 'rain'],
  ['any JSON', Output.json(), '[1, null]', [1, null]],
])(
  '`done` has %s that the answer is, and the provider is told the form',
  async (_what, output, text, value) => {
    const { said, end, calls } = await runAgent({ output }, () => text);
    expect(end).toMatchObject({ type: 'done', output: value });
    expect(said).toEqual([text]);
    expect(calls[0]?.responseFormat).toEqual(await output.responseFormat);
  },
);

test('the value is as the schema gives it', async () => {
  const day = z.object({ day: z.string().transform((text) => text.toUpperCase()) });
  const { end } = await runAgent({ output: Output.object({ schema: day }) }, () => '{"day": "monday"}');
  expect(end).toMatchObject({ output: { day: 'MONDAY' } });
});

test.each([{}, { output: Output.text() }])(
  'without a form, `done` has no output and the provider is told none',
  async (options) => {
    const { end, calls } = await runAgent(options, () => SOUP);
    expect(end).toMatchObject({ type: 'done' });
    expect(end).not.toHaveProperty('output');
    expect(calls[0]?.responseFormat?.type ?? 'text').toBe('text');
  },
);

test.each([
  ['is no JSON', 'Soup, twenty minutes.'],
  ['does not fit the schema', '{"name": "soup", "minutes": "twenty"}'],
  ['is JSON that is not all of it', `${SOUP} Enjoy!`],
])('P3 an answer that %s ends its turn with OUTPUT_INVALID, and its text stays', async (_what, text) => {
  const { said, end } = await runAgent({ output: recipe }, () => text);
  expect(end).toMatchObject({ type: 'error', code: 'OUTPUT_INVALID', retryable: true });
  expect(said).toEqual([text]);
});

test('after tools, the value is that of the last step', async () => {
  const { end } = await runAgent({ output: recipe, tools: { look } }, (call) =>
    resultsIn(call).length > 0 ? SOUP : [['look', {}]],
  );
  expect(end).toMatchObject({ type: 'done', steps: 2, output: { name: 'soup' } });
});

test('a turn that the agent ends after the results of tools has no output, and is done', async () => {
  const { end } = await runAgent({ output: recipe, tools: { look }, stopWhen: hasToolCall('look') }, () => [
    ['look', {}],
  ]);
  expect(end).toMatchObject({ type: 'done', finish_reason: 'tool_calls' });
  expect(end).not.toHaveProperty('output');
});

test('P6 the value is that of the answer to the message that steered last', async () => {
  let turn: TurnInMemory | undefined;
  const { said, end } = await runAgent(
    { output: recipe },
    async (call) => {
      if (JSON.stringify(call.prompt).includes('Tea, please')) return '{"name": "tea", "minutes": 5}';
      await turn?.send('m2', 'Tea, please.');
      return SOUP;
    },
    {
      began: (began) => {
        turn = began;
      },
    },
  );
  expect(said).toEqual([SOUP, '{"name": "tea", "minutes": 5}']);
  expect(end).toMatchObject({ type: 'done', output: { name: 'tea' } });
});

test('what was said before a message that cut the answer is no part of the value', async () => {
  let turn: TurnInMemory | undefined;
  const { said, end } = await runAgent(
    { output: Output.json() },
    async (call) => {
      if (JSON.stringify(call.prompt).includes('Another one')) return '34';
      await turn?.send('m2', 'Another one, please.', { delivery: 'now' });
      return '12';
    },
    {
      began: (began) => {
        turn = began;
      },
    },
  );
  expect(said).toEqual(['1', '34']);
  expect(end).toMatchObject({ type: 'done', output: 34 });
});

test.each([
  ['goes on', SOUP],
  ['begins its answer anew', { anew: SOUP }],
])(
  'P8 after the death of a worker at any write, a model that %s has given the same value',
  async (_how, answer) => {
    const turns = await runWithDeaths({ output: recipe, tools: { look } }, (call) =>
      resultsIn(call).length > 0 ? answer : { anew: 'Let me look.', calls: [['look', {}]] },
    );
    expect(turns.length).toBeGreaterThan(5);
    for (const { end } of turns)
      expect(end).toMatchObject({ type: 'done', output: { name: 'soup', minutes: 20 } });
  },
);

test('a value of more than 24,576 bytes of JSON is checked, and left out', async () => {
  const sent = await Promise.all(
    around(24_576).map(async (bytes) => {
      // Two quotes, and two bytes for each letter.
      const text = JSON.stringify(`${'é'.repeat((bytes - 2) >> 1)}${'e'.repeat(bytes % 2)}`);
      const { end } = await runAgent({ output: Output.json() }, () => text);
      return end?.type === 'done' && { has: end.output !== undefined, omitted: end.output_omitted };
    }),
  );
  expect(sent).toEqual([
    { has: true, omitted: undefined },
    { has: true, omitted: undefined },
    { has: false, omitted: true },
  ]);
});

test('code that never says whether an answer has the form ends the turn after ten seconds', async () => {
  const output = { ...recipe, parseCompleteOutput: () => new Promise<never>(() => {}) };
  const clock: Clock = {
    ...systemClock,
    // The ten seconds are over at once.
    sleep: async (ms, signal) => (ms === AGENTS_CODE_MS ? undefined : systemClock.sleep(ms, signal)),
  };
  const { end } = await runAgent({ output }, () => SOUP, { clock });
  expect(end).toMatchObject({ type: 'error', code: 'AGENT_ERROR', retryable: false });
});

test('a form that cannot be told to a provider fails the model call, and the answers are in no cache', async () => {
  const responseFormat = () => Promise.reject(new Error('no JSON Schema'));
  const agent = defineAgent({ temperature: 0, output: { ...recipe, responseFormat: responseFormat() } });
  expect(await fingerprintOf({ provider: 'house.chat', name: 'scripted' }, agent)).toBeUndefined();
  const { end, calls } = await runAgent(
    { output: { ...recipe, responseFormat: responseFormat() } },
    () => SOUP,
  );
  expect(end).toMatchObject({ type: 'error', code: 'PROVIDER_ERROR' });
  expect(calls).toEqual([]);
});

/** Asks the same of two agents, one after the other. @returns the ends, and how often the model was called */
async function askTwice(first: AgentOptions, second: AgentOptions) {
  const languageModel = scriptedModel(() => SOUP);
  const identity = { provider: 'house.chat', name: 'scripted' };
  const agents = [first, second].map((options) => defineAgent({ temperature: 0, ...options }));
  const [one, other] = await Promise.all(
    agents.map(async (agent) => {
      const model = await sdkModelOf(languageModel, identity, agent, {});
      const fingerprint = await fingerprintOf(identity, agent);
      return { model: { ...model, ...(fingerprint && { fingerprint }) }, control: loopControlOf(agent) };
    }),
  );
  if (!one || !other) throw new Error('no agents');
  let now = one;
  const turn = await turnInMemory(
    {
      ...one.model,
      get fingerprint() {
        return now.model.fingerprint ?? null;
      },
      stream: (...call) => now.model.stream(...call),
    },
    {
      control: {
        isStopped: async () => false,
        readOutput: async (answer) => now.control?.readOutput?.(answer),
      },
      core: { clock: systemClock },
      settings: { MIDTURN_RESPONSE_CACHE: 'principal', MIDTURN_CONTEXT_TOKENS: '0' },
    },
  );
  await turn.send('m1', 'A recipe, please.');
  await turn.run();
  now = other;
  await turn.send('m2', 'A recipe, please.');
  await turn.run();
  const events = await readEvents(turn.core, turn.session, 1);
  return {
    ends: events.filter(({ type }) => type === 'done' || type === 'error'),
    calls: languageModel.doStreamCalls.length,
  };
}

test('a cached answer has its value, and is not given to an agent that asks for another form', async () => {
  const same = await askTwice({ output: recipe }, { output: recipe });
  expect(same.calls).toBe(1);
  expect(same.ends).toMatchObject([{ output: { name: 'soup' } }, { output: { name: 'soup' }, cached: true }]);
  const wider = Output.object({ schema: z.object({ name: z.string() }) });
  expect((await askTwice({ output: recipe }, { output: wider })).calls).toBe(2);
});

test('a cached answer that the agent’s code would not take now is asked for again', async () => {
  const strict = Output.object({
    schema: z.object({ name: z.string(), minutes: z.number() }).refine(({ minutes }) => minutes > 60),
  });
  const { calls, ends } = await askTwice({ output: recipe }, { output: strict });
  expect(calls).toBe(2);
  expect(ends).toMatchObject([{ type: 'done' }, { type: 'error', code: 'OUTPUT_INVALID' }]);
});
