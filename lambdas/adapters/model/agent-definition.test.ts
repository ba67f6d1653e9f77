import { tool } from 'ai';
import { expect, test } from 'vitest';
import * as z from 'zod';
import { AgentDefinitionError, defineAgent } from './agent-definition.ts';

const runnable = tool({ inputSchema: z.object({}), execute: () => 'ok' });

test('refuses a tool name that some provider would refuse', () => {
  expect(() => defineAgent({ instructions: '', tools: { 'send mail': { tool: runnable } } })).toThrow(
    AgentDefinitionError,
  );
});

test('refuses a tool that nobody would run', () => {
  const declared = tool({ inputSchema: z.object({}), outputSchema: z.string() });
  expect(() => defineAgent({ instructions: '', tools: { ask: { tool: declared } } })).toThrow('no execute');
});

test.each([0, -1, 901, Number.NaN])('refuses a time limit of %d s for a tool', (timeoutSeconds) => {
  const tools = { slow: { tool: runnable, timeoutSeconds } };
  expect(() => defineAgent({ instructions: '', tools })).toThrow('timeoutSeconds');
});
