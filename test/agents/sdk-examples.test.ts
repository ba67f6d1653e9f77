import {
  hasToolCall,
  isStepCount,
  Output,
  ToolLoopAgent,
  type ToolLoopAgentSettings,
  type ToolSet,
  tool,
} from 'ai';
import { expect, test } from 'vitest';
import * as z from 'zod';
import { defineAgent } from '../../model/agent/define-agent.ts';
import { type ModelCall, resultsIn, runAgent, type Script, scriptedModel } from './agent-in-memory.ts';

/** What the pages of the AI SDK about agents (docs/03-agents) show, in words of our own: one object for its loop and for ours. */

const step = (call: ModelCall) => call.prompt.filter(({ role }) => role === 'assistant').length;
const instructionsOf = (call: ModelCall) => call.prompt.find(({ role }) => role === 'system')?.content;

const runCode = tool({
  description: 'Runs code.',
  inputSchema: z.object({ code: z.string() }),
  execute: async ({ code }) => ({ output: `ran ${code}` }),
});
const tickets = tool({
  description: 'Finds tickets.',
  inputSchema: z.object({ query: z.string() }),
  contextSchema: z.object({ account: z.string() }),
  execute: async ({ query }, { context }) => `${query} of ${context.account}`,
});
const look = tool({
  description: 'Looks something up.',
  inputSchema: z.object({ page: z.number() }),
  execute: async ({ page }) => `page ${page}`,
});
const sum = tool({
  description: 'Adds up.',
  inputSchema: z.object({ numbers: z.array(z.number()) }),
  execute: async ({ numbers }) => numbers.reduce((a, b) => a + b, 0),
});

const looking: Script = (call) => [['look', { page: step(call) + 1 }]];
const lookingTwice: Script = (call) => (step(call) < 2 ? looking(call) : 'ANSWER: two pages.');

/** Each is accepted by the type of the SDK's agent and by that of ours. */
const EXAMPLES = {
  'instructions alone': [
    { instructions: 'You are an expert in software.' },
    (call) => `I follow: ${instructionsOf(call)}`,
  ],
  'a tool that runs code': [
    { tools: { runCode } },
    (call) => (step(call) === 0 ? [['runCode', { code: '1+1' }]] : JSON.stringify(resultsIn(call))),
  ],
  'a tool with a context': [
    { tools: { tickets }, toolsContext: { tickets: { account: 'acct-1' } } },
    (call) => (step(call) === 0 ? [['tickets', { query: 'billing' }]] : JSON.stringify(resultsIn(call))),
  ],
  'a number of steps': [{ tools: { look }, stopWhen: isStepCount(4) }, looking],
  'several conditions': [{ tools: { look }, stopWhen: [isStepCount(9), hasToolCall('look')] }, looking],
  'a condition of one’s own': [
    { tools: { look }, stopWhen: ({ steps }) => steps.some(({ toolCalls }) => toolCalls.length > 0) },
    looking,
  ],
  'a budget': [
    {
      tools: { look },
      stopWhen: ({ steps }) => steps.reduce((used, { usage }) => used + (usage.outputTokens ?? 0), 0) > 12,
    },
    looking,
  ],
  'other settings in the first step': [
    {
      tools: { look },
      temperature: 0.7,
      prepareStep: ({ stepNumber }) => (stepNumber === 0 ? { temperature: 0 } : {}),
    },
    (call) => (call.temperature === 0 ? looking(call) : `at ${call.temperature}`),
  ],
  'only the last messages': [
    { tools: { look }, prepareStep: ({ messages }) => ({ messages: messages.slice(-2) }) },
    (call) => (resultsIn(call).length > 0 ? `with ${call.prompt.length} messages` : looking(call)),
  ],
  'tools by phase': [
    {
      tools: { look, sum },
      prepareStep: ({ stepNumber }) => ({
        activeTools: stepNumber < 1 ? ['look'] : ['sum'],
        toolChoice: 'auto',
      }),
    },
    (call) => {
      if (step(call) === 2) return JSON.stringify(resultsIn(call));
      const offered = call.tools?.map(({ name }) => name);
      return offered?.includes('look') ? looking(call) : [['sum', { numbers: [1, 2] }]];
    },
  ],
  'a tool that must be called': [
    {
      tools: { look, sum },
      prepareStep: ({ stepNumber }) =>
        stepNumber === 0 ? { toolChoice: { type: 'tool', toolName: 'sum' } } : { toolChoice: 'none' },
    },
    (call) =>
      call.toolChoice?.type === 'tool' ? [['sum', { numbers: [2, 3] }]] : JSON.stringify(resultsIn(call)),
  ],
  'an answer of a form': [
    { output: Output.object({ schema: z.object({ sentiment: z.enum(['good', 'bad']) }) }) },
    (call) => (call.responseFormat?.type === 'json' ? '{"sentiment":"good"}' : 'It is good.'),
  ],
  'calls that the agent approves': [
    { tools: { sum }, toolApproval: ({ toolCall }) => (toolCall.toolName === 'sum' ? 'approved' : 'denied') },
    (call) => (step(call) === 0 ? [['sum', { numbers: [1, 2] }]] : JSON.stringify(resultsIn(call))),
  ],
  'several steps to an answer': [{ tools: { look }, maxOutputTokens: 500 }, lookingTwice],
} satisfies Record<string, readonly [Parameters<typeof defineAgent>[0], Script]>;

test.each(Object.entries(EXAMPLES))(
  'the SDK’s example of %s says here what it says in the SDK’s own loop',
  async (_what, [options, script]) => {
    const model = scriptedModel(script);
    const settings = { ...options, model } as unknown as ToolLoopAgentSettings<never, ToolSet>;
    const result = await new ToolLoopAgent(settings).stream({ prompt: 'Hello.' });
    const steps = await result.steps;
    const here = await runAgent(options, script);
    expect(here.calls).toHaveLength(steps.length);
    const said = steps.flatMap(({ text, toolCalls, toolResults }) => [
      ...(text ? [text] : []),
      ...toolCalls.map(({ toolName, input }) => ({ called: toolName, with: input })),
      ...toolResults.map(({ output }) => ({ gave: output })),
    ]);
    expect(here.said).toEqual(said);
  },
);

test('what the type of the SDK’s agent accepts, `defineAgent` accepts', () => {
  const model = scriptedModel(() => 'Hello.');
  const one = {
    model,
    tools: { runCode, look },
    stopWhen: isStepCount(50),
    temperature: 0,
    toolChoice: 'auto',
  } as const;
  const other = {
    model,
    tools: { tickets },
    toolsContext: { tickets: { account: 'a' } },
    maxOutputTokens: 9,
  };
  expect([
    new ToolLoopAgent(one),
    defineAgent(one),
    new ToolLoopAgent(other),
    defineAgent(other),
  ]).toHaveLength(4);
});
