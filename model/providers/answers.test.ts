import { convertArrayToReadableStream, MockLanguageModelV4 } from 'ai/test';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { ModelPart, ModelRequest } from '../../core/model.ts';
import type { AgentDefinition } from '../agent/agent-definition.ts';
import { defineAgent } from '../agent/define-agent.ts';
import type { OfferedTools } from '../mcp/tool-source.ts';
import { sdkModelOf } from './sdk-model-of.ts';

/** What comes of the parts that a provider's package gives, and when it gives them no more. */

type Part =
  Awaited<ReturnType<MockLanguageModelV4['doStream']>>['stream'] extends ReadableStream<infer P> ? P : never;
type Unified = 'stop' | 'length' | 'content-filter' | 'tool-calls' | 'error' | 'other';

const USAGE = {
  inputTokens: { total: 7, noCache: 7, cacheRead: undefined, cacheWrite: undefined },
  outputTokens: { total: 3, text: 3, reasoning: undefined },
};
const ends = (unified: Unified, raw: string | undefined, usage: object = USAGE): Part => ({
  type: 'finish',
  finishReason: { unified, raw },
  usage: usage as typeof USAGE,
});
const text = (delta: string): Part[] => [
  { type: 'text-start', id: '1' },
  { type: 'text-delta', id: '1', delta },
  { type: 'text-end', id: '1' },
];
const call = (toolName: string, input: object, more: object = {}): Part => ({
  type: 'tool-call',
  toolCallId: `c-${toolName}`,
  toolName,
  input: JSON.stringify(input),
  ...more,
});
const LOOK = call('look', { at: 'sea' });
const FILE: Part = { type: 'file', mediaType: 'image/png', data: { type: 'data', data: 'QUJD' } };
const look = { inputSchema: z.object({ at: z.string() }), execute: () => 'seen' };
const hello: ModelRequest = { messages: [{ role: 'user', content: 'hello' }], toolChoice: 'auto' };

async function given(
  parts: readonly Part[] | (() => Promise<never>),
  {
    provider = 'house.chat',
    request = hello,
    options = {},
    offered,
    signal = new AbortController().signal,
    read = () => {},
  }: {
    provider?: string;
    request?: ModelRequest;
    options?: Partial<AgentDefinition>;
    offered?: OfferedTools;
    signal?: AbortSignal;
    read?: (part: ModelPart) => void;
  } = {},
) {
  const warned: string[] = [];
  let alive = 0;
  const languageModel = new MockLanguageModelV4({
    provider,
    doStream: async () =>
      typeof parts === 'function'
        ? parts()
        : { stream: convertArrayToReadableStream([{ type: 'stream-start', warnings: [] }, ...parts]) },
  });
  const agent = defineAgent({ instructions: 'Be brief.', tools: { look }, ...(options as object) });
  const model = await sdkModelOf(languageModel, { provider, name: 'm' }, agent, {
    ...(offered && { tools: { offered: async () => offered } }),
    warn: (message) => void warned.push(message),
    secrets: ['hunter2'],
  });
  const seen: ModelPart[] = [];
  for await (const part of model.stream(request, signal, () => alive++)) {
    seen.push(part);
    read(part);
  }
  return { parts: seen, last: seen.at(-1), call: languageModel.doStreamCalls[0], warned, alive };
}

const wordOf = (part: ModelPart | undefined) => {
  if (part?.type === 'finish') return part.reason;
  return part?.type === 'failure' ? `${part.failure.reason}${part.failure.retryable ? '!' : ''}` : part?.type;
};

describe('the end of an answer', () => {
  // What was said, how it ends, and what comes of it: `!` is a failure that may be tried again.
  it.each<[string, Part[], Part[], string[]]>([
    ['says why', text('Hi'), [ends('stop', 'end_turn')], ['text', 'stop']],
    [
      'names no reason of the provider, as of the Responses API',
      text('Hi'),
      [ends('stop', undefined)],
      ['text', 'stop'],
    ],
    ['and so after calls', [LOOK], [ends('tool-calls', undefined)], ['tool_call', 'tool_calls']],
    ['and so of a filter', text('Hi'), [ends('content-filter', undefined)], ['text', 'refusal']],
    ['and so of a filter of everything', [], [ends('content-filter', undefined)], ['withheld']],
    ['has no reason at all', text('Hi'), [ends('other', undefined)], ['text', 'cut_off!']],
    ['has no reason after a call, which may lack its half', [LOOK], [ends('other', undefined)], ['cut_off!']],
    ['has no reason, and nothing was said', [], [ends('other', undefined)], ['empty!']],
    ['has no reason of a limit', text('Hi'), [ends('length', undefined)], ['text', 'cut_off!']],
    ['is the limit of tokens', text('Hi'), [ends('length', 'max_tokens')], ['text', 'length']],
    ['is a filter of a provider', text('Hi'), [ends('content-filter', 'SAFETY')], ['text', 'content_filter']],
    ['is a refusal', text('Hi'), [ends('content-filter', 'refusal')], ['text', 'refusal']],
    ['is a file alone', [FILE], [ends('stop', 'stop')], ['file', 'stop']],
    ['is a file whose end is lost', [FILE], [ends('other', undefined)], ['file', 'cut_off!']],
    ['is a pause', [], [ends('other', 'pause_turn')], ['paused']],
    [
      'is the end of the window',
      text('Hi'),
      [ends('other', 'model_context_window_exceeded')],
      ['text', 'length'],
    ],
    ['is the end of the window at once', [], [ends('other', 'model_context_window_exceeded')], ['overlong']],
    ['is the limit at once', [], [ends('length', 'length')], ['empty']],
    ['is nothing', [], [ends('stop', 'stop')], ['empty!']],
    ['is an error that a call was', text('Hi'), [ends('error', 'odd')], ['text', 'tool_calls']],
    ...['MALFORMED_FUNCTION_CALL', 'malformed_tool_use', 'malformed_model_output'].map(
      (raw): [string, Part[], Part[], string[]] => [
        `is a call that the provider could not read: ${raw}`,
        text('Hi'),
        [ends('other', raw)],
        ['text', 'unreadable!'],
      ],
    ),
    [
      'is a word of the provider’s own',
      text('Hi'),
      [ends('other', 'é'.repeat(64))],
      ['text', 'é'.repeat(64)],
    ],
    [
      'is a long one, which is cut',
      text('Hi'),
      [ends('other', 'é'.repeat(65))],
      ['text', `${'é'.repeat(63)}…`],
    ],
  ])('%s', async (_what, said, end, expected) => {
    const { parts } = await given([...said, ...end]);
    expect(parts.map(wordOf)).toEqual(expected);
  });

  it('P13: at the limit of tokens, the last call alone cannot be run', async () => {
    const two = [LOOK, { ...call('look', { at: 'sky' }), toolCallId: 'c-2' }];
    const { parts } = await given([...two, ends('length', 'length')]);
    const invalid = parts.flatMap((part) => (part.type === 'tool_call' ? [part.invalid !== undefined] : []));
    expect(invalid).toEqual([false, true]);
    const whole = await given([...two, ends('tool-calls', 'tool_calls')]);
    expect(JSON.stringify(whole.parts)).not.toContain('invalid');
  });

  it('is a failure that may be tried again where the stream just stops', async () => {
    expect((await given(text('Hi'))).parts.map(wordOf)).toEqual(['text', 'cut_off!']);
    expect((await given([])).parts.map(wordOf)).toEqual(['empty!']);
  });

  it('counts what the provider counts, and nothing that it does not', async () => {
    const usage = {
      inputTokens: { total: 100, noCache: 30, cacheRead: 50, cacheWrite: 20 },
      outputTokens: { total: 9, text: 5, reasoning: 4 },
    };
    expect((await given([...text('Hi'), ends('stop', 'stop', usage)])).last).toMatchObject({
      usage: {
        inputTokens: 100,
        outputTokens: 9,
        cacheReadTokens: 50,
        cacheWriteTokens: 20,
        reasoningTokens: 4,
      },
    });
    const none = {
      inputTokens: { total: undefined, noCache: undefined, cacheRead: 0, cacheWrite: 0 },
      outputTokens: { total: undefined, text: undefined, reasoning: 0 },
    };
    expect((await given([...text('Hi'), ends('stop', 'stop', none)])).last).toMatchObject({ type: 'finish' });
    expect((await given([...text('Hi'), ends('stop', 'stop', none)])).last).toHaveProperty('usage', {
      inputTokens: 0,
      outputTokens: 0,
    });
  });
});

describe('the parts of an answer', () => {
  it('are none of an empty text or thought', async () => {
    const thought = (delta: string): Part[] => [
      { type: 'reasoning-start', id: 'r' },
      { type: 'reasoning-delta', id: 'r', delta },
      { type: 'reasoning-end', id: 'r' },
    ];
    const { parts } = await given([...thought(''), ...text(''), ends('stop', 'stop')]);
    expect(parts.map(wordOf)).toEqual(['empty!']);
    const said = await given([...thought('Hm.'), ...text('Hi'), ends('stop', 'stop')]);
    expect(said.parts.slice(0, 2)).toEqual([
      { type: 'thinking', text: 'Hm.' },
      { type: 'text', text: 'Hi' },
    ]);
  });

  it('are what the provider ran itself, without what is encrypted at any depth', async () => {
    const ran = { providerExecuted: true, dynamic: true };
    const result = (value: unknown, more: object = {}): Part => ({
      type: 'tool-result',
      toolCallId: 'c-search',
      toolName: 'search',
      result: value as never,
      dynamic: true,
      ...more,
    });
    const found = { pages: [{ title: 'Sea', encryptedContent: 'x', encrypted_index: 'y' }], Encrypted: 1 };
    const { parts } = await given([
      call('search', { q: 'sea' }, ran),
      result(found),
      ...text('Found.'),
      ends('stop', 'stop'),
    ]);
    expect(parts.slice(0, 2)).toEqual([
      { type: 'provider_call', id: 'c-search', name: 'search', args: { q: 'sea' } },
      {
        type: 'provider_result',
        id: 'c-search',
        name: 'search',
        output: { pages: [{ title: 'Sea' }] },
        isError: false,
      },
    ]);
    expect(parts.map(({ type }) => type)).toEqual(['provider_call', 'provider_result', 'text', 'finish']);
    const failed = await given([
      call('search', {}, ran),
      result('The web is down.', { isError: true }),
      ...text('No.'),
      ends('stop', 'stop'),
    ]);
    expect(failed.parts[1]).toMatchObject({
      type: 'provider_result',
      output: 'The web is down.',
      isError: true,
    });
  });

  it('are sources with the title that they have', async () => {
    const source = (more: object): Part => ({ type: 'source', id: 's', ...more }) as Part;
    const { parts } = await given([
      source({ sourceType: 'url', url: 'https://a.test', title: 'A' }),
      source({ sourceType: 'url', url: 'https://b.test' }),
      source({ sourceType: 'document', mediaType: 'application/pdf', title: 'C', filename: 'c.pdf' }),
      source({ sourceType: 'document', mediaType: 'text/plain', title: 'D' }),
      ...text('So.'),
      ends('stop', 'stop'),
    ]);
    expect(parts.flatMap((part) => (part.type === 'source' ? [part.source] : []))).toEqual([
      { kind: 'url', url: 'https://a.test', title: 'A' },
      { kind: 'url', url: 'https://b.test' },
      { kind: 'document', mediaType: 'application/pdf', title: 'C', filename: 'c.pdf' },
      { kind: 'document', mediaType: 'text/plain', title: 'D' },
    ]);
  });

  it('are life signs, each of them', async () => {
    const few = await given([...text('Hi'), ends('stop', 'stop')]);
    const more = await given([...text('Hi'), ...text('you'), ...text('all'), ends('stop', 'stop')]);
    expect(more.alive).toBeGreaterThan(few.alive);
  });
});

describe('a call that must not be made', () => {
  it.each(['house.chat', 'amazon-bedrock'])('P13: is dropped, and its text stands: %s', async (provider) => {
    for (const [request, options] of [
      [{ ...hello, toolChoice: 'none' as const }, {}],
      [hello, { toolChoice: 'none' as const }],
    ] as const) {
      const { parts, call: asked } = await given([...text('So.'), LOOK, ends('tool-calls', 'tool_use')], {
        provider,
        request,
        options,
      });
      expect(parts.map(({ type }) => type)).toEqual(['text', 'finish']);
      expect(asked?.tools).toMatchObject([{ name: 'look' }]);
      const alone = await given([LOOK, ends('tool-calls', 'tool_use')], { provider, request, options });
      expect(alone.parts.map(wordOf)).toEqual(['empty!']);
    }
  });

  it('is forbidden by a sentence where a setting would take the tools out of the prompt, unless there are none', async () => {
    const said = ({ call: asked }: Awaited<ReturnType<typeof given>>) => JSON.stringify(asked?.prompt);
    const parts = [...text('So.'), ends('stop', 'stop')];
    const request = { ...hello, toolChoice: 'none' as const };
    const provider = 'amazon-bedrock';
    const forbidden = await given(parts, { provider, request });
    expect(said(forbidden)).toContain('Do not call any tool now');
    expect(forbidden.call?.toolChoice).toEqual({ type: 'auto' });
    expect(said(await given(parts, { provider, request: { ...request, bare: true } }))).not.toContain(
      'any tool',
    );
    expect(said(await given(parts, { provider }))).not.toContain('any tool');
    expect(said(await given(parts, { request }))).not.toContain('any tool');
  });
});

describe('a request', () => {
  const parts = [...text('So.'), ends('stop', 'stop')];

  it('tells of servers that cannot be reached, by one or several', async () => {
    const noted = async (missing: string[]) =>
      (await given(parts, { offered: { tools: {}, missing } })).call?.prompt.find(
        ({ role }) => role === 'system',
      )?.content;
    expect(await noted([])).toBe('Be brief.');
    expect(await noted(['books'])).toBe('Be brief.\nThe tools of books cannot be reached at the moment.');
    expect(await noted(['books', 'maps'])).toContain('of books and maps cannot');
  });

  it('has no system message where there are no instructions', async () => {
    for (const provider of ['house.chat', 'anthropic.messages']) {
      const { call: asked } = await given(parts, { provider, options: { instructions: '' } });
      expect(asked?.prompt.map(({ role }) => role)).toEqual(['user']);
    }
  });

  it('is made of the tools that are offered now', async () => {
    const languageModel = new MockLanguageModelV4({
      doStream: async () => ({
        stream: convertArrayToReadableStream([{ type: 'stream-start', warnings: [] }, ...parts]),
      }),
    });
    const lists = [{ look: { tool: look } }, { peek: { tool: look } }];
    const model = await sdkModelOf(languageModel, { provider: 'house.chat', name: 'm' }, defineAgent({}), {
      tools: { offered: async () => ({ tools: lists.shift() ?? {}, missing: [] }) },
    });
    for (const _ of [1, 2]) for await (const _part of model.stream(hello, new AbortController().signal));
    expect(languageModel.doStreamCalls.map(({ tools }) => tools?.map(({ name }) => name))).toEqual([
      ['look'],
      ['peek'],
    ]);
  });

  it('leaves out a tool that another provider runs, and says so once', async () => {
    const search = {
      type: 'provider' as const,
      id: 'anthropic.web_search',
      isProviderExecuted: true,
      args: {},
      inputSchema: z.object({}),
    };
    const asked = async (provider: string) => {
      const { call: made, warned } = await given(parts, {
        provider,
        options: { tools: { look, search } as never },
      });
      return [made?.tools?.map(({ name }) => name), warned.length];
    };
    for (const provider of ['anthropic.messages', 'vertex.anthropic.messages', 'amazon-bedrock', 'gateway'])
      expect(await asked(provider)).toEqual([['look', 'search'], 0]);
    for (const provider of ['house.chat', 'openai.responses', 'google.generative-ai'])
      expect(await asked(provider)).toEqual([['look'], 1]);
  });

  it('declares a tool with all that its author says of it', async () => {
    const told = {
      ...look,
      description: 'Looks.',
      strict: false,
      inputExamples: [{ input: { at: 'sea' } }],
      providerOptions: { house: { deferLoading: true } },
    };
    const { call: asked } = await given(parts, { options: { tools: { told } as never } });
    expect(asked?.tools).toMatchObject([
      {
        name: 'told',
        description: 'Looks.',
        strict: false,
        inputExamples: [{ input: { at: 'sea' } }],
        providerOptions: { house: { deferLoading: true } },
      },
    ]);
  });

  it('gives a package the addresses of images as they are: nobody here fetches one', async () => {
    const image = { type: 'image' as const, url: 'http://169.254.169.254/latest/' };
    const request = { ...hello, messages: [{ role: 'user' as const, content: [image] }] };
    const { call: asked, last } = await given(parts, { request, provider: 'openai.responses' });
    expect(last?.type).toBe('finish');
    expect(JSON.stringify(asked?.prompt)).not.toContain('base64');
  });
});

describe('a call that fails or is stopped', () => {
  it('before its answer is a failure, without a secret, and is made once', async () => {
    let calls = 0;
    const { parts } = await given(async () => {
      calls++;
      throw Object.assign(new TypeError('fetch failed: hunter2'), { cause: { code: 'ECONNRESET' } });
    });
    expect(parts.map(({ type }) => type)).toEqual(['failure']);
    expect(JSON.stringify(parts)).not.toContain('hunter2');
    expect(calls).toBe(1);
  });

  it('is silent once it is aborted, whatever comes of the request', async () => {
    const stop = new AbortController();
    const { parts } = await given([...text('Hi'), ...text('you'), ends('stop', 'stop')], {
      signal: stop.signal,
      read: () => stop.abort(),
    });
    expect(parts.map(({ type }) => type)).toEqual(['text']);
    const gone = new AbortController();
    const failed = await given(
      async () => {
        gone.abort();
        throw new Error('the socket hung up');
      },
      { signal: gone.signal },
    );
    expect(failed.parts).toEqual([]);
    const never = await given([ends('stop', 'stop')], { signal: AbortSignal.abort() });
    expect([never.parts, never.call]).toEqual([[], undefined]);
  });
});
