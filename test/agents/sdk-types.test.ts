import {
  hasToolCall,
  isStepCount,
  Output,
  type OutputInterface,
  ToolLoopAgent,
  type ToolLoopAgentSettings,
  type ToolSet,
  tool,
} from 'ai';
import { expect, expectTypeOf, test } from 'vitest';
import * as z from 'zod';
import type { AgentOptions } from '../../model/agent/agent-options.ts';
import { defineAgent } from '../../model/agent/define-agent.ts';
import type { SDK_OPTIONS } from '../../model/agent/sdk-options.ts';
import { scriptedModel } from './agent-in-memory.ts';

type Treatments = typeof SDK_OPTIONS;
/** The options that are not refused. */
type Accepted = {
  [K in keyof Treatments]: Treatments[K][0] extends 'cannot' ? never : K;
}[keyof Treatments];
type Settings = ToolLoopAgentSettings<never, ToolSet, Record<string, unknown>, OutputInterface>;

test('the type of each option that works is that of the SDK’s agents, or wider', () => {
  const accepts = (settings: { [K in Accepted]?: Exclude<Settings[K], undefined> }): AgentOptions => settings;
  expect(accepts({ model })).toEqual({ model });
  // What is refused at the start does not compile either.
  expectTypeOf<'include'>().not.toExtend<keyof AgentOptions>();
});

const look = tool({ inputSchema: z.object({ page: z.number() }), execute: ({ page }) => `page ${page}` });
const model = scriptedModel(() => 'Hello.');

test('an object with options of all kinds is an agent of the SDK and one of ours', () => {
  const settings = {
    model,
    instructions: [{ role: 'system' as const, content: 'Be brief.' }],
    tools: { look },
    activeTools: ['look' as const],
    toolChoice: { type: 'tool' as const, toolName: 'look' as const },
    toolApproval: { look: 'user-approval' as const },
    stopWhen: [isStepCount(5)],
    prepareStep: ({ stepNumber }: { stepNumber: number }) =>
      stepNumber > 2 ? { toolChoice: 'none' as const } : {},
    output: Output.object({ schema: z.object({ name: z.string() }) }),
    telemetry: { functionId: 'librarian', recordInputs: false },
    onStepEnd: ({ usage }: { usage: { totalTokens: number | undefined } }) => void usage.totalTokens,
    onError: ({ error }: { error: unknown }) => void error,
  };
  expect([new ToolLoopAgent(settings), defineAgent(settings)]).toHaveLength(2);
});

test('callbacks and conditions that stand in the agent know their events', () => {
  const agent = defineAgent({
    model,
    tools: { look },
    stopWhen: ({ steps }) => steps.some(({ toolCalls }) => toolCalls.length > 2),
    toolApproval: ({ toolCall }) => (toolCall.toolName === 'look' ? 'approved' : 'denied'),
    onStepEnd: ({ usage, toolCalls }) => void [usage.totalTokens, toolCalls.length],
    onEnd: async ({ totalUsage }) => void totalUsage.outputTokens,
    onToolExecutionEnd: ({ toolExecutionMs }) => void toolExecutionMs,
  });
  expect(agent.tools).toHaveProperty('look');
});

type Tools = { look: typeof look; sum: typeof sum };
const sum = tool({
  inputSchema: z.object({ numbers: z.array(z.number()) }),
  contextSchema: z.object({ unit: z.string() }),
  execute: ({ numbers }, { context }) => ({ total: numbers.length, unit: context.unit }),
});

test('options that are typed for a tool set are those of the SDK’s agents, or wider', () => {
  type OfTools = ToolLoopAgentSettings<never, Tools, { user: string }, OutputInterface>;
  const accepts = (settings: { [K in Accepted]?: Exclude<OfTools[K], undefined> }) =>
    defineAgent<never, { user: string }, Tools>(settings);
  expect(accepts({ model }).tools).toEqual({});
});

/** As the SDK's pages about loops, tools and approvals have them: they type-check in its agent and in ours. */
test('callbacks, conditions and approvals know the tools of their agent, with a policy or without', () => {
  const known = {
    model,
    runtimeContext: { user: 'ann' },
    toolsContext: { sum: { unit: 'm' } },
    stopWhen: [isStepCount(5), hasToolCall('look')],
    activeTools: ['look'],
    toolChoice: { type: 'tool', toolName: 'sum' },
    toolApproval: {
      sum: ({ numbers }) => (numbers.length > 9 ? 'user-approval' : 'approved'),
      look: 'approved',
    },
    prepareStep: ({ steps, runtimeContext }) => {
      const call = steps.at(-1)?.toolCalls[0];
      if (call && !call.dynamic && call.toolName === 'sum')
        expectTypeOf(call.input.numbers).toEqualTypeOf<number[]>();
      expectTypeOf(runtimeContext.user).toBeString();
      return { activeTools: ['sum'], toolChoice: { type: 'tool', toolName: 'sum' } };
    },
    onStepEnd: ({ toolResults }) => {
      for (const result of toolResults)
        if (!result.dynamic && result.toolName === 'sum') expectTypeOf(result.output.total).toBeNumber();
    },
    onEnd: ({ steps }) => {
      const result = steps[0]?.toolResults[0];
      if (result && !result.dynamic && result.toolName === 'look') expectTypeOf(result.output).toBeString();
    },
  } satisfies ToolLoopAgentSettings<never, Tools, { user: string }> & { tools?: Tools };
  const options = {
    ...known,
    toolChoice: { type: 'tool' as const, toolName: 'sum' as const },
    activeTools: ['look' as const],
  };
  expect([
    new ToolLoopAgent({ ...options, tools: { look, sum } }),
    defineAgent({ ...options, tools: { look, sum } }),
    defineAgent({ ...options, tools: { look: { tool: look, idempotent: true }, sum } }),
  ]).toHaveLength(3);
});

test('what stands in the agent is inferred from its tools, and a name that no tool has does not compile', () => {
  const agents = [
    defineAgent({
      tools: { look: { tool: look, idempotent: true }, sum },
      runtimeContext: { user: 'ann' },
      stopWhen: ({ steps }) =>
        steps.some(({ toolCalls }) =>
          toolCalls.some((call) => !call.dynamic && call.toolName === 'look' && call.input.page > 9),
        ),
      prepareStep: ({ runtimeContext }) => (runtimeContext.user === 'ann' ? { activeTools: ['look'] } : {}),
      toolApproval: { sum: ({ numbers }) => (numbers.length > 9 ? 'denied' : 'approved') },
      onToolExecutionEnd: ({ toolCall }) => {
        if (!toolCall.dynamic && toolCall.toolName === 'sum')
          expectTypeOf(toolCall.input.numbers).toEqualTypeOf<number[]>();
      },
    }),
    // @ts-expect-error no tool is called find
    defineAgent({ tools: { look }, activeTools: ['find'] }),
    // @ts-expect-error no tool is called find
    defineAgent({ tools: { look }, toolChoice: { type: 'tool', toolName: 'find' } }),
    // @ts-expect-error no tool is called find
    defineAgent({ tools: { look }, prepareStep: () => ({ activeTools: ['find'] }) }),
    defineAgent({
      tools: { look },
      toolApproval: {
        // @ts-expect-error its input has no numbers
        look: ({ numbers }) => (numbers ? 'approved' : 'denied'),
      },
    }),
    defineAgent({
      runtimeContext: { user: 'ann' },
      // @ts-expect-error the context has no team
      prepareStep: ({ runtimeContext }) => ({ instructions: runtimeContext.team }),
    }),
    // @ts-expect-error the unit is a text
    defineAgent({ tools: { sum }, toolsContext: { sum: { unit: 1 } } }),
  ];
  expect(agents).toHaveLength(7);
});

test('tools of MCP servers may be named, and those of other servers do not compile', () => {
  const mcp = { docs: { url: 'https://docs.example.com/mcp' } };
  expect(
    [
      defineAgent({
        tools: { look },
        mcp,
        activeTools: ['look', 'docs_search'],
        toolApproval: { docs_search: 'denied' },
      }),
      // @ts-expect-error there is no server of that name
      defineAgent({ tools: { look }, mcp, activeTools: ['wiki_search'] }),
    ].map(({ activeTools }) => activeTools?.length),
  ).toEqual([2, 1]);
});
