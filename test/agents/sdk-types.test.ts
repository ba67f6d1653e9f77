import {
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
import { type AgentOptions, defineAgent } from '../../model/agent/agent-definition.ts';
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
