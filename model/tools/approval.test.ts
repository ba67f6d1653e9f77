import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { ToolCall } from '../../core/model.ts';
import { ANNS_SETUP } from '../../core/testing/call-setup.ts';
import { around, brokenText } from '../../test/support/text.ts';
import type { AgentDefinition } from '../agent/agent-definition.ts';
import { defineAgent } from '../agent/define-agent.ts';
import { createToolbox } from './toolbox.ts';

/** Who may approve a call, and for how long that holds. */

const inputSchema = z.object({ account: z.string(), n: z.number().default(1) });
const pay = { inputSchema, execute: () => 'paid' };
const call = (name: string, args: unknown = { account: 'a' }): ToolCall => ({
  id: 'c1',
  name,
  args: args as never,
});
const toolboxOf = (options: object) => createToolbox(defineAgent(options as Partial<AgentDefinition>));

describe('`always`', () => {
  const covers = (policy: object, args?: unknown) =>
    toolboxOf({ tools: { pay: { tool: pay, ...policy } } }).alwaysCovers(call('pay', args));

  it('covers all calls of a tool, unless a function says which of them need approval', async () => {
    expect(await covers({ needsApproval: true })).toBe('pay');
    expect(await covers({ needsApproval: () => true })).toBeUndefined();
    expect(await covers({ needsApproval: () => true, always: true })).toBe('pay');
    expect(await covers({ needsApproval: true, always: false })).toBeUndefined();
  });

  it('covers the calls of one bound: a text of at most 200 characters, well-formed, of an input that fits', async () => {
    const bound = (value: unknown) => covers({ needsApproval: true, always: async () => value });
    expect(await Promise.all(around(200).map((length) => bound('b'.repeat(length))))).toEqual([
      `pay:${'b'.repeat(199)}`,
      `pay:${'b'.repeat(200)}`,
      undefined,
    ]);
    await fc.assert(
      fc.asyncProperty(brokenText({ maxLength: 20 }), async (text) => {
        expect(await bound(text)).toBe(`pay:${text.toWellFormed()}`);
      }),
      { numRuns: 50 },
    );
    for (const odd of [undefined, null, true, 7, ['a']]) expect(await bound(odd)).toBeUndefined();
    const always = ({ account, n }: { account: string; n: number }) => `${account} ${n}`;
    expect(await covers({ needsApproval: true, always })).toBe('pay:a 1');
    expect(await covers({ needsApproval: true, always }, { account: 7 })).toBeUndefined();
    expect(
      await covers({ needsApproval: true, always: () => Promise.reject(new Error('no')) }),
    ).toBeUndefined();
  });
});

describe('approval', () => {
  const needs = (toolApproval: unknown, args?: unknown) =>
    toolboxOf({ tools: { pay }, toolApproval }).needsApproval(call('pay', args), ANNS_SETUP);

  it('is asked where the input does not fit, or the SDK says a word that is not known', async () => {
    expect(await needs({ pay: () => 'approved' }, { account: 7 })).toBe(true);
    expect(await needs(() => 'approved', null)).toBe(true);
    expect(await needs({ pay: 'of-a-newer-version' })).toBe(true);
  });

  it('that is denied has a reason of at most 500 characters', async () => {
    const reasons = await Promise.all(
      around(500).map((length) => needs({ pay: { type: 'denied', reason: 'é'.repeat(length) } })),
    );
    expect(reasons).toEqual([
      { denied: 'é'.repeat(499) },
      { denied: 'é'.repeat(500) },
      { denied: `${'é'.repeat(499)}…` },
    ]);
  });

  it('is asked with the input as the schema gives it, the call and the context of its tool', async () => {
    const asked: unknown[] = [];
    const rule = async (...given: unknown[]) => {
      asked.push(given);
      return 'user-approval';
    };
    const contexts = { runtimeContext: { plan: 'free' }, toolsContext: { pay: { limit: 3 } } };
    const needed = (options: object) =>
      toolboxOf({ tools: { pay }, ...contexts, ...options }).needsApproval(call('pay'), {
        ...ANNS_SETUP,
        prepared: { set: { runtimeContext: { plan: 'pro' } } },
      });
    const context = { limit: 3, caller: ANNS_SETUP.caller };
    const runtimeContext = { plan: 'pro' };
    const input = { account: 'a', n: 1 };
    expect(await needed({ toolApproval: { pay: rule } })).toBe(true);
    expect(await needed({ toolApproval: rule })).toBe(true);
    expect(
      await needed({
        tools: { pay: { tool: pay, needsApproval: async (...given: unknown[]) => !!asked.push(given) } },
      }),
    ).toBe(true);
    expect(asked).toEqual([
      [input, { toolCallId: 'c1', messages: [], toolContext: context, runtimeContext }],
      [
        {
          // As the model gave it.
          toolCall: {
            type: 'tool-call',
            toolCallId: 'c1',
            toolName: 'pay',
            input: { account: 'a' },
            dynamic: true,
          },
          tools: { pay },
          toolsContext: { pay: context },
          messages: [],
          runtimeContext,
        },
      ],
      [input, { toolCallId: 'c1', messages: [], context }],
    ]);
  });

  it('is not asked by a rule for another tool, nor by a name that every object has', async () => {
    const { needsApproval } = toolboxOf({
      tools: { pay, refund: { tool: pay, needsApproval: true } },
      toolApproval: { pay: 'user-approval' },
    });
    const needs = (name: string) => needsApproval(call(name), ANNS_SETUP);
    expect(await Promise.all(['pay', 'refund', 'constructor', 'toString'].map(needs))).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });
});
