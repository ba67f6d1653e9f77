import { describe, expect, it } from 'vitest';
import { anthropic } from './anthropic.ts';
import { bedrock } from './bedrock.ts';
import { google } from './google.ts';
import { openai } from './openai.ts';
import { openaiCompatible } from './openai-compatible.ts';
import { PromptRefused, signatureOf, type Wire } from './wire.ts';

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
const thinking = (said: string, signature: string) => ({ type: 'thinking', thinking: said, signature });
const reasoning = (said: string, signature: string) => ({
  reasoningContent: { reasoningText: { text: said, signature } },
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
    [
      'takes a thought as it was',
      [user(text('a')), assistant(thinking('hm', signatureOf('hm')), use('t1')), user(result('t1'))],
      'taken',
    ],
    [
      'refuses a thought that was changed',
      [user(text('a')), assistant(thinking('hm!', signatureOf('hm')), use('t1')), user(result('t1'))],
      'Invalid `signature`',
    ],
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
    [
      'refuses a thought that was changed',
      [
        user({ text: 'a' }),
        assistant(reasoning('hm!', signatureOf('hm')), bedrockUse('t1')),
        user(bedrockResult('t1')),
      ],
      'Invalid `signature`',
    ],
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

describe('openai', () => {
  const asked = { role: 'user', content: [{ type: 'input_text', text: 'a' }] };
  const said = { role: 'assistant', content: 'b' };
  const called = (call_id: string) => ({ type: 'function_call', call_id, name: 'wait', arguments: '{}' });
  const answered = (call_id: string) => ({ type: 'function_call_output', call_id, output: 'waited' });
  const thought = { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: signatureOf('') };
  const body = (input: unknown[]) => ({
    model: 'gpt',
    stream: true,
    store: false,
    input,
    tools: [{ type: 'function', name: 'wait', parameters: { type: 'object' } }],
  });
  it.each<[string, unknown[], string]>([
    ['takes pairs', [asked, said, called('c1'), called('c2'), answered('c2'), answered('c1')], 'taken'],
    ['takes users in a row', [asked, asked], 'taken'],
    ['takes what was thought before a call', [asked, thought, called('c1'), answered('c1')], 'taken'],
    ['refuses a call without its output', [asked, called('c1'), asked], 'No tool output found'],
    ['refuses an output without its call', [asked, answered('c1')], 'No tool call found'],
    ['refuses ids that are too long', [asked, called('c'.repeat(65))], 'input'],
    ['refuses what was thought before nothing', [asked, thought, asked], 'required following item'],
    [
      'refuses what another account thought',
      [asked, { ...thought, encrypted_content: 'other' }, said],
      'could not be verified',
    ],
    [
      'refuses what was thought without its content',
      [asked, { ...thought, encrypted_content: null }, said],
      'not found',
    ],
    [
      'refuses a reference to what it does not keep',
      [asked, { type: 'item_reference', id: 'msg_1' }],
      'not found',
    ],
  ])('%s', (_what, input, expected) => {
    expect(refusal(openai, body(input))).toContain(expected);
  });

  it('refuses a limit of fewer than 16 tokens', () => {
    expect(refusal(openai, { ...body([asked]), max_output_tokens: 15 })).toContain('max_output_tokens');
  });
});

describe('google', () => {
  const asked = { role: 'user', parts: [{ text: 'a' }] };
  const functionCall = { id: 'g1', name: 'wait', args: {} };
  const called = (thoughtSignature?: string) => ({
    role: 'model',
    parts: [{ functionCall, thoughtSignature }],
  });
  const unverified = called('skip_thought_signature_validator');
  const functionResponse = { id: 'g1', name: 'wait', response: { content: 'waited' } };
  const answered = { role: 'user', parts: [{ functionResponse }] };
  it.each<[string, unknown[], string]>([
    ['takes pairs', [asked, unverified, answered], 'taken'],
    ['takes users in a row', [asked, asked], 'taken'],
    ['takes a call of an earlier turn without its signature', [asked, called(), answered, asked], 'taken'],
    ['refuses a call of this turn without its signature', [asked, called(), answered], 'thought_signature'],
    ['refuses the signature of another', [asked, called('c2lnbmVk'), answered], 'Corrupted'],
    ['refuses a call without its result', [asked, unverified, asked], 'number of function response parts'],
    ['refuses a result without its call', [asked, answered], 'after a function call turn'],
    ['refuses the first word of the model', [unverified, answered], 'after a user turn'],
    ['refuses the last word of the model', [asked, { role: 'model', parts: [{ text: 'b' }] }], 'user role'],
    ['refuses empty text', [{ role: 'user', parts: [{ text: '' }] }], 'one initialized field'],
  ])('%s', (_what, contents, expected) => {
    const tools = [{ functionDeclarations: [{ name: 'wait' }] }];
    expect(refusal(google, { contents, tools })).toContain(expected);
  });
});
