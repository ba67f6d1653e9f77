import { tool } from 'ai';
import { expect, test } from 'vitest';
import * as z from 'zod';
import { ANNS_SETUP } from '../../core/testing/call-setup.ts';
import type { AgentOptions } from '../../model/agent/agent-options.ts';
import type { GivenTools } from '../../model/agent/agent-tools.ts';
import { defineAgent } from '../../model/agent/define-agent.ts';
import { createToolbox } from '../../model/tools/toolbox.ts';
import { type ModelCall, resultsIn, runAgent, runWithDeaths } from './agent-in-memory.ts';

const refund = tool({
  inputSchema: z.object({ amount: z.number() }),
  contextSchema: z.object({ limit: z.number() }),
  // What the agent says goes before it.
  needsApproval: true,
  execute: ({ amount }) => `paid ${amount}`,
});
const toolsContext = { refund: { limit: 10 } };
const tools = { refund: { tool: refund, idempotent: true } };

const toolboxOf = (options: AgentOptions) =>
  createToolbox(
    defineAgent<never, Record<string, unknown>, GivenTools, string>({
      tools: { refund },
      toolsContext,
      ...options,
    }),
  );
const call = (amount: unknown) => ({ id: 'c1', name: 'refund', args: { amount } as never });
const needOf = (toolApproval: AgentOptions['toolApproval'], amount: unknown = 11) =>
  toolboxOf({ ...(toolApproval !== undefined && { toolApproval }) }).needsApproval(call(amount), ANNS_SETUP);

test.each<[string, NonNullable<AgentOptions['toolApproval']>, unknown]>([
  ['approved', { refund: 'approved' }, false],
  ['not applicable', { refund: { type: 'not-applicable' } }, false],
  ['denied', { refund: 'denied' }, { denied: '' }],
  ['denied with a reason', { refund: { type: 'denied', reason: 'Closed.' } }, { denied: 'Closed.' }],
  ['for the user', { refund: { type: 'user-approval', reason: 'Much money.' } }, true],
  ['left open by a function about it', { refund: () => undefined }, false],
  ['left open by a function about each call', () => undefined, false],
  ['for the user, as a function that throws cannot say', () => Promise.reject(new Error('no')), true],
  ['left to the tool itself', {}, true],
])('a call that is %s needs what the SDK says of it', async (_what, toolApproval, need) => {
  expect(await needOf(toolApproval)).toEqual(need);
});

test('a function about a tool is given its input and its context, one about each call the call and all tools', async () => {
  const byTool: AgentOptions['toolApproval'] = {
    refund: ({ amount }, { toolContext, toolCallId }) =>
      toolCallId === 'c1' && amount > (toolContext as { limit: number }).limit ? 'denied' : 'approved',
  };
  expect(await needOf(byTool, 11)).toEqual({ denied: '' });
  expect(await needOf(byTool, 10)).toBe(false);
  const byCall: AgentOptions['toolApproval'] = ({ toolCall, tools: all, toolsContext: contexts }) => ({
    type: 'denied',
    reason: JSON.stringify([toolCall.toolName, toolCall.input, Object.keys(all ?? {}), contexts]),
  });
  expect(await needOf(byCall, 11)).toEqual({
    denied: JSON.stringify([
      'refund',
      { amount: 11 },
      ['refund'],
      { refund: { ...toolsContext.refund, caller: ANNS_SETUP.caller } },
    ]),
  });
});

test('`always` is offered where the user is asked about each call of a tool, and not where a function decides', async () => {
  const covers = (toolApproval: NonNullable<AgentOptions['toolApproval']>) =>
    toolboxOf({ toolApproval }).alwaysCovers(call(11));
  expect(await covers({ refund: 'user-approval' })).toBe('refund');
  expect(await covers({ refund: () => 'user-approval' })).toBeUndefined();
  expect(await covers(() => 'user-approval')).toBeUndefined();
});

test('a rule for a tool that does not exist is a mistake that shows at the start', () => {
  expect(() => toolboxOf({ toolApproval: { refnud: 'denied' } })).toThrow(
    'toolApproval: there is no tool "refnud".',
  );
});

const asking = (model: ModelCall) =>
  resultsIn(model).length > 0 ? 'So it is.' : ([['refund', { amount: 11 }]] as const);

const DENIED = { gave: 'Not run: the agent does not allow this call. The shop is closed.', failed: true };

test('P13 a call that the agent denies is not run, and the model is told why', async () => {
  const toolApproval = { refund: { type: 'denied', reason: 'The shop is closed.' } } as const;
  const { said } = await runAgent({ tools, toolsContext, toolApproval }, asking);
  expect(said).toEqual([{ called: 'refund', with: { amount: 11 } }, DENIED, 'So it is.']);
  const approved = await runAgent({ tools, toolsContext, toolApproval: () => 'approved' }, asking);
  expect(approved.said[1]).toEqual({ gave: 'paid 11' });
});

test('P8 after the death of a worker at any write, a denied call never runs, and its result never says that it may have', async () => {
  const turns = await runWithDeaths(
    { tools, toolsContext, toolApproval: () => ({ type: 'denied', reason: 'The shop is closed.' }) },
    asking,
  );
  expect(turns.length).toBeGreaterThan(3);
  for (const { said } of turns) expect(said[1]).toEqual(DENIED);
});

test('a call that may have run before the agent denied it has an unknown outcome', async () => {
  let asked = 0;
  const options: AgentOptions = {
    tools: { refund },
    toolsContext,
    // Approved for the first worker, denied for the next one.
    toolApproval: () => (asked++ === 0 ? 'approved' : 'denied'),
  };
  const { writes } = await runAgent(options, asking);
  const results: unknown[] = [];
  for (let dies = 1; dies <= writes; dies++) {
    asked = 0;
    const { said } = await runAgent(options, asking, { dies });
    if (asked > 1) results.push(said[1]);
  }
  expect(results.length).toBeGreaterThan(0);
  for (const result of results)
    expect(result).toMatchObject({ gave: expect.stringContaining('Unknown outcome'), failed: true });
});
