import { type ModelMessage, type ToolSet, tool } from 'ai';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { cacheMarksOf, markInstructions, markMessages, markTools } from './cache-marks.ts';

const model = (provider: string, modelId: string) => ({ provider, modelId }) as never;
const ANTHROPIC = { anthropic: { cacheControl: { type: 'ephemeral' } } };

describe('marks for a prompt cache', () => {
  it.each([
    ['anthropic.messages', 'claude-sonnet-4-5', 'anthropic'],
    ['amazon-bedrock', 'eu.anthropic.claude-sonnet-4-5-20250929-v1:0', 'bedrock'],
    ['amazon-bedrock', 'anthropic.claude-3-5-haiku-20241022-v1:0', 'bedrock'],
    ['amazon-bedrock', 'us.anthropic.claude-3-7-sonnet-20250219-v1:0', 'bedrock'],
    ['amazon-bedrock', 'us.amazon.nova-pro-v1:0', 'bedrock'],
    ['amazon-bedrock', 'anthropic.claude-3-haiku-20240307-v1:0', undefined],
    ['amazon-bedrock', 'anthropic.claude-3-5-sonnet-20241022-v2:0', undefined],
    ['amazon-bedrock', 'anthropic.claude-v2:1', undefined],
    ['amazon-bedrock', 'meta.llama3-70b-instruct-v1:0', undefined],
    ['amazon-bedrock', 'arn:aws:bedrock:eu-west-1:1:application-inference-profile/a1', undefined],
    ['openai.responses', 'gpt-5', undefined],
    ['google.generative-ai', 'gemini-3', undefined],
  ])('%s, %s: %s', (provider, modelId, marks) => {
    expect(cacheMarksOf(model(provider, modelId), 'auto')).toBe(marks);
    expect(cacheMarksOf(model(provider, modelId), 'off')).toBe(undefined);
    expect(cacheMarksOf(model(provider, modelId), 'on')).toBe(
      provider === 'amazon-bedrock' ? 'bedrock' : marks,
    );
  });

  it('stand after the instructions alone: notes change from call to call', () => {
    expect(markInstructions('Be brief.', ['No tools now.'], 'anthropic')).toEqual([
      { role: 'system', content: 'Be brief.', providerOptions: ANTHROPIC },
      { role: 'system', content: 'No tools now.' },
    ]);
    expect(markInstructions('', [], 'anthropic')).toEqual([]);
  });

  it('keep what else is said of a text, and leave the marks of the agent as they are', () => {
    const house = { house: { keep: true } };
    const system = (content: string, providerOptions?: object) =>
      ({ role: 'system', content, ...(providerOptions && { providerOptions }) }) as never;
    expect(markInstructions([system('One.'), system('Two.', house), system(' \n')], [], 'anthropic')).toEqual(
      [system('One.'), system('Two.', { ...house, ...ANTHROPIC })],
    );
    for (const own of [ANTHROPIC, { anthropic: { cache_control: {} } }, { bedrock: { cachePoint: {} } }]) {
      const marked = [system('One.', own), system('Two.')];
      expect(markInstructions(marked, ['No tools now.'], 'anthropic')).toEqual([
        ...marked,
        system('No tools now.'),
      ]);
    }
    const [message] = markMessages([{ role: 'user', content: 'Hi', providerOptions: house }], 'bedrock');
    expect(message?.providerOptions).toEqual({ ...house, bedrock: { cachePoint: { type: 'default' } } });
  });

  it('stand at the end of the prompt, and where the call before ended', () => {
    const said = (role: 'user' | 'assistant', content: string): ModelMessage => ({ role, content });
    const conversation = [said('user', '1'), said('assistant', '2'), said('user', '3'), said('user', '4')];
    const marked = (length: number) =>
      markMessages(conversation.slice(0, length), 'anthropic').flatMap(({ content, providerOptions }) =>
        providerOptions ? [content] : [],
      );
    expect(marked(1)).toEqual(['1']);
    expect(marked(3)).toEqual(['1', '3']);
    expect(marked(4)).toEqual(['1', '4']);
    expect(markMessages([], 'anthropic')).toEqual([]);
  });

  it('stand at the last tool, unless the agent has marks of its own', () => {
    const declared = (tools: object) => tools as ToolSet;
    const plain = tool({
      inputSchema: z.object({}),
      providerOptions: { anthropic: { deferLoading: false } },
    });
    const own = tool({ inputSchema: z.object({}), providerOptions: ANTHROPIC });
    expect(markTools(declared({ first: plain, last: plain }), 'anthropic')).toMatchObject({
      first: { providerOptions: { anthropic: { deferLoading: false } } },
      last: { providerOptions: { anthropic: { deferLoading: false, cacheControl: { type: 'ephemeral' } } } },
    });
    expect(markTools(declared({ own, last: plain }), 'anthropic')).toEqual({ own, last: plain });
    expect(markTools(declared({ last: plain }), 'bedrock')).toEqual({ last: plain });
    expect(markTools(declared({}), 'anthropic')).toEqual({});
  });
});
