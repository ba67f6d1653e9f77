import { toStandardJsonSchema } from '@valibot/to-json-schema';
import { tool } from 'ai';
import * as v from 'valibot';
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

test('refuses a schema that no model could be told, and says what would do', () => {
  const bare = tool({ inputSchema: v.object({}) as never, execute: () => 'ok' });
  expect(() => defineAgent({ instructions: '', tools: { weigh: { tool: bare } } })).toThrow(
    'Tool "weigh": its schema, of valibot, has no JSON Schema that a model could be told',
  );
  const told = tool({ inputSchema: toStandardJsonSchema(v.object({})), execute: () => 'ok' });
  expect(() => defineAgent({ instructions: '', tools: { weigh: { tool: told } } })).not.toThrow();
});

test.each([0, -1, 901, Number.NaN])('refuses a time limit of %d s for a tool', (timeoutSeconds) => {
  const tools = { slow: { tool: runnable, timeoutSeconds } };
  expect(() => defineAgent({ instructions: '', tools })).toThrow('timeoutSeconds');
});
