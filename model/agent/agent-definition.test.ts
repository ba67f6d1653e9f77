import { toStandardJsonSchema } from '@valibot/to-json-schema';
import { tool } from 'ai';
import * as v from 'valibot';
import { expect, test } from 'vitest';
import * as z from 'zod';
import { AgentDefinitionError } from './agent-definition.ts';
import { complaintAboutModel } from './agent-model.ts';
import { defineAgent } from './define-agent.ts';

const runnable = tool({ inputSchema: z.object({}), execute: () => 'ok' });

test('refuses a tool name that some provider would refuse', () => {
  expect(() => defineAgent({ instructions: '', tools: { 'send mail': { tool: runnable } } })).toThrow(
    AgentDefinitionError,
  );
});

test('takes a tool that a client runs', () => {
  const declared = tool({ inputSchema: z.object({}), outputSchema: z.string() });
  expect(() => defineAgent({ instructions: '', tools: { ask: { tool: declared } } })).not.toThrow();
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

const notCallable = { provider: 'mine', modelId: 'm', doStream: () => {} };
test.each<[string, unknown, string]>([
  ['of a version that the AI SDK does not take', { ...notCallable, specificationVersion: 'v5' }, '"v5"'],
  ['that is a provider and no model', Object.assign(() => {}, { specificationVersion: 'v4' }), ''],
  [
    'that is an embedding model',
    { specificationVersion: 'v4', provider: 'p', modelId: 'm' },
    'no language model',
  ],
  ['that is something else', 5, 'of type number'],
])('refuses a model %s', (_what, model, message) => {
  const refused = () => defineAgent({ instructions: '', tools: {}, model: model as never });
  if (typeof model === 'function') {
    // A function is asked when the model is made.
    expect(complaintAboutModel(model)).toContain('of type function');
    return;
  }
  expect(refused).toThrow(message);
  expect(refused).toThrow(expect.objectContaining({ code: 'MODEL_UNSUPPORTED' }));
});

test('takes a model of each version that the AI SDK takes, a gateway’s id, and a function', () => {
  const models = [
    ...['v2', 'v3', 'v4'].map((specificationVersion) => ({ ...notCallable, specificationVersion })),
    'openai/gpt-5',
    () => 'openai/gpt-5',
  ];
  for (const model of models) {
    expect(() => defineAgent({ instructions: '', tools: {}, model: model as never })).not.toThrow();
  }
});
