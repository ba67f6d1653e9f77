import { APICallError } from 'ai';
import { convertArrayToReadableStream, MockLanguageModelV4 } from 'ai/test';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ends, given, hello, LOOK, look, text, wordOf } from '../../test/support/answering-model.ts';
import { defineAgent } from '../agent/define-agent.ts';
import { sdkModelOf } from './sdk-model-of.ts';

/** What a provider's package is asked, and what becomes of a call that must not be made, fails, or is stopped. */

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
    const bound = await given(parts, { provider, options: { toolChoice: 'none' } });
    expect(said(bound)).toContain('Do not call any tool now');
    expect(bound.call?.toolChoice).toEqual({ type: 'auto' });
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

  it('whose limit of tokens the package made up says so once, however often it is made', async () => {
    const warning = {
      type: 'compatibility' as const,
      feature: 'maxOutputTokens',
      details: 'limited to 4096',
    };
    const languageModel = new MockLanguageModelV4({
      doStream: async () => ({
        stream: convertArrayToReadableStream([{ type: 'stream-start', warnings: [warning] }, ...parts]),
      }),
    });
    const warned: unknown[] = [];
    const model = await sdkModelOf(languageModel, { provider: 'house', name: 'm' }, defineAgent({}), {
      warn: (message, fields) => warned.push([message, fields]),
    });
    for (const _ of [1, 2]) for await (const _part of model.stream(hello, new AbortController().signal));
    expect(warned).toEqual([
      [expect.stringContaining('MIDTURN_MODEL_MAX_OUTPUT_TOKENS'), { provider: 'house', model: 'm' }],
    ]);
  });

  it('is marked for the provider’s prompt cache, unless the settings say no', async () => {
    const marked = async (config: { promptCache?: 'auto' | 'off' }) => {
      const languageModel = new MockLanguageModelV4({
        provider: 'anthropic.messages',
        doStream: async () => ({
          stream: convertArrayToReadableStream([{ type: 'stream-start', warnings: [] }, ...parts]),
        }),
      });
      const agent = defineAgent({ instructions: 'Be brief.', tools: { look } as never });
      const model = await sdkModelOf(languageModel, { provider: 'anthropic', name: 'm' }, agent, config);
      for await (const _ of model.stream(hello, new AbortController().signal));
      const [asked] = languageModel.doStreamCalls;
      return [...(asked?.prompt ?? []), ...(asked?.tools ?? [])].map((one) =>
        JSON.stringify(one).includes('cacheControl'),
      );
    };
    for (const config of [{}, { promptCache: 'auto' as const }])
      expect(await marked(config)).toEqual([true, true, true]);
    expect(await marked({ promptCache: 'off' })).toEqual([false, false, false]);
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

  it('is made of the tools of OpenAI at Azure, which runs its models', async () => {
    const search = {
      type: 'provider' as const,
      id: 'openai.web_search',
      isProviderExecuted: true,
      args: {},
      inputSchema: z.object({}),
    };
    const { call: made } = await given(parts, {
      provider: 'azure.responses',
      options: { tools: { search } as never },
    });
    expect(made?.tools?.map(({ name }) => name)).toEqual(['search']);
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
    const languageModel = new MockLanguageModelV4({
      supportedUrls: { 'image/*': [/^https:/] },
      doStream: async () => ({
        stream: convertArrayToReadableStream([{ type: 'stream-start', warnings: [] }, ...parts]),
      }),
    });
    const model = await sdkModelOf(languageModel, { provider: 'house', name: 'm' }, defineAgent({}), {});
    // Nobody is behind it.
    const image = { type: 'image' as const, url: 'http://127.0.0.1:9/a.png' };
    const types: string[] = [];
    const request = { ...hello, messages: [{ role: 'user' as const, content: [image] }] };
    for await (const { type } of model.stream(request, new AbortController().signal)) types.push(type);
    expect(types).toEqual(['text', 'finish']);
    expect(JSON.stringify(languageModel.doStreamCalls[0]?.prompt)).toContain(image.url);
  });

  it('asks for the tools in the name of who asks, and has the limit of the agent before that of the setting', async () => {
    const languageModel = new MockLanguageModelV4({
      doStream: async () => ({
        stream: convertArrayToReadableStream([{ type: 'stream-start', warnings: [] }, ...parts]),
      }),
    });
    const tokens: unknown[] = [];
    const token = async () => 'of-ann';
    for (const own of [{}, { maxOutputTokens: 5 }]) {
      const model = await sdkModelOf(languageModel, { provider: 'house', name: 'm' }, defineAgent(own), {
        maxOutputTokens: 9,
        tools: {
          async offered(given) {
            tokens.push(given);
            return { tools: {}, missing: [] };
          },
        },
      });
      for await (const _ of model.stream({ ...hello, token }, new AbortController().signal));
    }
    expect(tokens).toEqual([token, token]);
    expect(languageModel.doStreamCalls.map(({ maxOutputTokens }) => maxOutputTokens)).toEqual([9, 5]);
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

  it('is made once, also where its provider says that it may be tried again: the turn decides', async () => {
    let calls = 0;
    const busy = { message: 'Busy.', url: 'https://house.invalid/', requestBodyValues: {}, statusCode: 503 };
    const { parts } = await given(async () => {
      calls++;
      throw new APICallError({ ...busy, isRetryable: true, responseHeaders: { 'retry-after-ms': '1' } });
    });
    expect([parts.map(wordOf), calls]).toEqual([['provider!'], 1]);
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

  it('ends its request when its reader leaves, and while the provider says nothing', async () => {
    const began = [{ type: 'stream-start' as const, warnings: [] }, ...text('Hi')];
    const languageModel = new MockLanguageModelV4({
      doStream: async () => ({
        // It does not close.
        stream: new ReadableStream({
          start(controller) {
            for (const part of began) controller.enqueue(part);
          },
        }),
      }),
    });
    const model = await sdkModelOf(languageModel, { provider: 'house', name: 'm' }, defineAgent({}), {});
    for await (const _ of model.stream(hello, new AbortController().signal)) break;
    const stop = new AbortController();
    const types: string[] = [];
    for await (const { type } of model.stream(hello, stop.signal)) {
      types.push(type);
      setImmediate(() => stop.abort());
    }
    expect(types).toEqual(['text']);
    expect(languageModel.doStreamCalls.map(({ abortSignal }) => abortSignal?.aborted)).toEqual([true, true]);
  });
});
