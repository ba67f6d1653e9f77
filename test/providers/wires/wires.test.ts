import { describe, expect, it } from 'vitest';
import { anthropic } from './anthropic.ts';
import { bedrock } from './bedrock.ts';
import { openaiCompatible } from './openai-compatible.ts';
import { PromptRefused, type Wire } from './wire.ts';

/** What the real providers refuse, and so a whole turn can be seen never to send. */

const anthropicBody = (messages: unknown[]) => ({
  model: 'claude',
  max_tokens: 1,
  stream: true,
  system: [{ type: 'text', text: 'Be brief.' }],
  tools: [{ name: 'wait', input_schema: {} }],
  messages,
});
const bedrockBody = (messages: unknown[]) => ({
  system: [{ text: 'Be brief.' }],
  toolConfig: { tools: [{ toolSpec: { name: 'wait', inputSchema: { json: {} } } }] },
  messages,
});
const openaiBody = (messages: unknown[]) => ({
  model: 'gpt',
  stream: true,
  stream_options: { include_usage: true },
  tools: [{ type: 'function' }],
  messages,
});

const user = (...content: unknown[]) => ({ role: 'user', content });
const assistant = (...content: unknown[]) => ({ role: 'assistant', content });
const text = (value: string) => ({ type: 'text', text: value });
const use = (id: string) => ({ type: 'tool_use', id, name: 'wait', input: {} });
const result = (id: string) => ({ type: 'tool_result', tool_use_id: id, content: 'waited' });
const bedrockUse = (toolUseId: string) => ({ toolUse: { toolUseId, name: 'wait', input: {} } });
const bedrockResult = (toolUseId: string, said = 'waited') => ({
  toolResult: { toolUseId, content: [{ text: said }] },
});
const call = (id: string) => ({ id, type: 'function', function: { name: 'wait', arguments: '{}' } });

function refusal(wire: Wire, body: unknown): string {
  try {
    wire.read(body);
  } catch (error) {
    if (error instanceof PromptRefused) return error.message;
    throw error;
  }
  return 'taken';
}

describe('anthropic', () => {
  it.each<[string, unknown[], string]>([
    ['takes pairs', [user(text('a')), assistant(use('t1')), user(result('t1'), text('b'))], 'taken'],
    ['refuses roles that do not alternate', [user(text('a')), user(text('b'))], 'alternate'],
    ['refuses empty text', [user(text('a')), assistant(text(' \n')), user(text('b'))], 'non-whitespace'],
    [
      'refuses a call without its result',
      [user(text('a')), assistant(use('t1')), user(text('b'))],
      'answered by',
    ],
    [
      'refuses a result behind text',
      [user(text('a')), assistant(use('t1')), user(text('b'), result('t1'))],
      'before text',
    ],
    ['refuses the last word of the assistant', [user(text('a')), assistant(text('b'))], 'end with a user'],
    ['refuses the first word of the assistant', [assistant(text('b')), user(text('a'))], 'start with a user'],
    [
      'refuses ids of a foreign form',
      [user(text('a')), assistant(use('w:0')), user(result('w:0'))],
      'call id',
    ],
  ])('%s', (_what, messages, expected) => {
    expect(refusal(anthropic, anthropicBody(messages))).toContain(expected);
  });

  it('refuses calls without tools', () => {
    const messages = [user(text('a')), assistant(use('t1')), user(result('t1'))];
    expect(refusal(anthropic, { ...anthropicBody(messages), tools: undefined })).toContain('define tools');
  });
});

describe('bedrock', () => {
  it.each<[string, unknown[], string]>([
    ['takes pairs', [user({ text: 'a' }), assistant(bedrockUse('t1')), user(bedrockResult('t1'))], 'taken'],
    ['refuses roles that do not alternate', [user({ text: 'a' }), user({ text: 'b' })], 'alternate'],
    ['refuses empty text', [user({ text: ' ' })], 'non-whitespace'],
    [
      'refuses an empty result',
      [user({ text: 'a' }), assistant(bedrockUse('t1')), user(bedrockResult('t1', ''))],
      'empty text',
    ],
    [
      'refuses a result that no call asked for',
      [user({ text: 'a' }), assistant({ text: 'b' }), user(bedrockResult('t1'))],
      'answered by',
    ],
  ])('%s', (_what, messages, expected) => {
    expect(refusal(bedrock, bedrockBody(messages))).toContain(expected);
  });

  it('refuses calls without tools', () => {
    const messages = [user({ text: 'a' }), assistant(bedrockUse('t1')), user(bedrockResult('t1'))];
    expect(refusal(bedrock, { ...bedrockBody(messages), toolConfig: undefined })).toContain('toolConfig');
  });
});

describe('openai-compatible', () => {
  const asked = { role: 'user', content: 'a' };
  const called = { role: 'assistant', content: null, tool_calls: [call('c1')] };
  const answered = { role: 'tool', tool_call_id: 'c1', content: 'waited' };
  it.each<[string, unknown[], string]>([
    ['takes pairs', [asked, called, answered, asked], 'taken'],
    ['takes users in a row', [asked, asked], 'taken'],
    ['refuses a call without its result', [asked, called, asked], 'No results'],
    ['refuses a result without its call', [asked, answered], 'does not follow'],
    ['refuses a message with nothing in it', [asked, { role: 'assistant', content: '' }], 'content or calls'],
  ])('%s', (_what, messages, expected) => {
    expect(refusal(openaiCompatible, openaiBody(messages))).toContain(expected);
  });
});
