import { tool } from 'ai';
import { convertArrayToReadableStream, MockLanguageModelV4 } from 'ai/test';
import { expect, test } from 'vitest';
import * as z from 'zod';
import type { ModelRequest } from '../../core/model.ts';
import type { AgentDefinition } from '../agent/agent-definition.ts';
import type { GivenTools } from '../agent/agent-tools.ts';
import { defineAgent } from '../agent/define-agent.ts';
import { SDK_OPTIONS } from '../agent/sdk-options.ts';
import { sdkModelOf } from './sdk-model-of.ts';

const named = (description: string) => ({
  tool: tool({ description, inputSchema: z.object({}), execute: () => 'done' }),
});
const tools = { read: named('Reads.'), write: named('Writes.') };
const hello: ModelRequest = { messages: [{ role: 'user', content: 'hello' }], toolChoice: 'auto' };

/** What the provider's package is given for a call of an agent with these options. */
async function given(options: Partial<AgentDefinition>, request = hello, provider = 'house.chat') {
  const usage = {
    inputTokens: { total: 1, noCache: 1, cacheRead: undefined, cacheWrite: undefined },
    outputTokens: { total: 1, text: 1, reasoning: undefined },
  };
  const languageModel = new MockLanguageModelV4({
    provider,
    doStream: async () => ({
      stream: convertArrayToReadableStream([
        { type: 'stream-start', warnings: [] },
        { type: 'text-start', id: '1' },
        { type: 'text-delta', id: '1', delta: 'Hi.' },
        { type: 'text-end', id: '1' },
        { type: 'finish', finishReason: { unified: 'stop', raw: 'stop' }, usage },
      ]),
    }),
  });
  const agent = defineAgent<never, Record<string, unknown>, GivenTools>({
    instructions: 'Be brief.',
    tools,
    ...options,
  });
  const model = await sdkModelOf(languageModel, { provider, name: 'm' }, agent, {});
  const parts = [];
  for await (const part of model.stream(request, new AbortController().signal)) parts.push(part);
  expect(parts.at(-1)).toMatchObject({ type: 'finish' });
  const [call] = languageModel.doStreamCalls;
  if (!call) throw new Error('the package was not called');
  return call;
}

/** A value of each option that works as in the SDK, and what a package is given for it. */
const PASSED: Readonly<Record<string, [options: Partial<AgentDefinition>, expected: object]>> = {
  instructions: [
    {
      instructions: [
        { role: 'system', content: 'Be brief.', providerOptions: { house: { keep: true } } },
        { role: 'system', content: 'Be kind.' },
      ],
    },
    {
      prompt: [
        { role: 'system', content: 'Be brief.', providerOptions: { house: { keep: true } } },
        { role: 'system', content: 'Be kind.' },
        { role: 'user' },
      ],
    },
  ],
  maxOutputTokens: [{ maxOutputTokens: 100 }, { maxOutputTokens: 100 }],
  temperature: [{ temperature: 0.5 }, { temperature: 0.5 }],
  topP: [{ topP: 0.9 }, { topP: 0.9 }],
  topK: [{ topK: 40 }, { topK: 40 }],
  presencePenalty: [{ presencePenalty: 0.1 }, { presencePenalty: 0.1 }],
  frequencyPenalty: [{ frequencyPenalty: 0.2 }, { frequencyPenalty: 0.2 }],
  stopSequences: [{ stopSequences: ['END'] }, { stopSequences: ['END'] }],
  seed: [{ seed: 7 }, { seed: 7 }],
  reasoning: [{ reasoning: 'high' }, { reasoning: 'high' }],
  headers: [{ headers: { 'x-team': 'shop' } }, { headers: { 'x-team': 'shop' } }],
  activeTools: [{ activeTools: ['write'] }, { tools: [{ name: 'write' }] }],
  toolOrder: [{ toolOrder: ['write', 'read'] }, { tools: [{ name: 'write' }, { name: 'read' }] }],
};

test.each(
  Object.entries(SDK_OPTIONS)
    .filter(([, [how]]) => how === 'works')
    .map(([option]) => option),
)('the option %s reaches the provider’s package', async (option) => {
  const [options, expected] = PASSED[option] ?? [];
  expect(await given(options ?? {})).toMatchObject(expected ?? { [option]: 'a case of this test' });
});

test('a setting is an option too, and one that stands beside the others goes before it', async () => {
  expect(await given({ settings: { temperature: 1, seed: 3 }, temperature: 0.5 })).toMatchObject({
    temperature: 0.5,
    seed: 3,
  });
});

test('options of a provider are the agent’s, and for the rest those of this project', async () => {
  const own = { openai: { reasoningSummary: 'auto' }, house: { fast: true } };
  expect((await given({ providerOptions: own })).providerOptions).toEqual(own);
  expect((await given({ providerOptions: own }, hello, 'openai.responses')).providerOptions).toEqual({
    openai: { store: false, reasoningSummary: 'auto' },
    house: { fast: true },
  });
  const stored = { openai: { store: true } };
  expect((await given({ providerOptions: stored }, hello, 'openai.responses')).providerOptions).toEqual(
    stored,
  );
});

test('a choice of tools holds until the last step that is allowed', async () => {
  const choice = { toolChoice: { type: 'tool', toolName: 'read' } } as const;
  expect((await given(choice)).toolChoice).toEqual({ type: 'tool', toolName: 'read' });
  expect((await given(choice, { ...hello, toolChoice: 'none' })).toolChoice).toEqual({ type: 'none' });
  expect((await given({ toolChoice: 'none' })).toolChoice).toEqual({ type: 'none' });
  expect((await given({})).toolChoice).toEqual({ type: 'auto' });
});

test('a call without tools is possible with each of these options', async () => {
  const { tools: declared, toolChoice } = await given(
    { toolChoice: 'required', activeTools: ['read'], toolOrder: ['write'] },
    { ...hello, bare: true },
  );
  expect(declared).toBeUndefined();
  expect(toolChoice).toEqual({ type: 'auto' });
});
