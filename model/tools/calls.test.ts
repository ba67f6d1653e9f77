import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { InputRequiredError } from '../../core/elicitation.ts';
import { MAX_SHOWN_BYTES } from '../../core/events/tool-result.ts';
import { jsonBytes } from '../../core/json-bytes.ts';
import type { ToolCall } from '../../core/model.ts';
import { ANNS_SETUP, NO_FILES, UNSEEN } from '../../core/testing/call-setup.ts';
import { UserTokenError } from '../../core/user-token-error.ts';
import { around } from '../../test/support/text.ts';
import type { AgentDefinition } from '../agent/agent-definition.ts';
import { defineAgent } from '../agent/define-agent.ts';
import { modelFile } from '../agent/model-file.ts';
import { LentToken } from './lent-token.ts';
import { shownJson } from './shown-output.ts';
import { describeInvalidCall, firstPath, unknownTool } from './tool-input.ts';
import { createToolbox } from './toolbox.ts';

/** What is asked of a call beside its output: what a client gives, what a model is shown. */

const inputSchema = z.object({ account: z.string(), n: z.number().default(1) });
const pay = { inputSchema, execute: () => 'paid' };
const call = (name: string, args: unknown = { account: 'a' }): ToolCall => ({
  id: 'c1',
  name,
  args: args as never,
});
const toolboxOf = (options: object) => createToolbox(defineAgent(options as Partial<AgentDefinition>));
const run = (options: object, given: ToolCall, more: object = {}) =>
  toolboxOf(options).run(given, {
    signal: new AbortController().signal,
    idempotencyKey: 'k',
    setup: ANNS_SETUP,
    display: UNSEEN,
    files: NO_FILES,
    ...more,
  });

describe('a tool that a client runs', () => {
  const ask = {
    inputSchema,
    toModelOutput: ({ input, output }: { input: { n: number }; output: unknown }) => ({
      type: 'text',
      value: `${input.n} ${output}`,
    }),
  };
  const { client } = toolboxOf({
    tools: {
      ask,
      timed: { tool: { inputSchema }, timeoutSeconds: 7 },
      failing: { inputSchema, toModelOutput: () => Promise.reject(new Error('not shown')) },
      broken: {
        inputSchema: z.object({}).refine(() => {
          throw new Error('the schema fails');
        }),
      },
      pay,
    },
  });

  it('is known by its name, and by how long its answer is waited for', () => {
    expect(['ask', 'timed', 'pay', 'unknown', 'constructor'].map((name) => client?.has(name))).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
    expect(['ask', 'timed', 'unknown'].map((name) => client?.answerSeconds(name))).toEqual([
      undefined,
      7,
      undefined,
    ]);
    expect(toolboxOf({ tools: { pay } }).client).toBeUndefined();
  });

  it('is not asked for with an input that does not fit', async () => {
    expect(await client?.complaintAbout(call('ask'))).toBeUndefined();
    expect(await client?.complaintAbout(call('ask', { account: 7 }))).toContain('account: ');
    expect(await client?.complaintAbout(call('broken', {}))).toBe('the schema fails');
  });

  it('has the output that the client gave, and what the model is shown of it', async () => {
    expect(await client?.outcomeOf(call('ask'), 'yes')).toEqual({
      output: 'yes',
      isError: false,
      shown: { type: 'text', value: '1 yes' },
    });
    expect(await client?.outcomeOf(call('timed'), { n: 0 })).toEqual({ output: { n: 0 }, isError: false });
    // As the model wrote it, where the schema gives nothing.
    expect(await client?.outcomeOf(call('ask', { n: '7' }), 'yes')).toMatchObject({
      shown: { value: '7 yes' },
    });
    expect(await client?.outcomeOf(call('failing'), 'yes')).toEqual({ output: 'not shown', isError: true });
  });
});

describe('what a tool shows the model', () => {
  it('names a file of the session as a message does, and leaves one of another provider', () => {
    const file = { type: 'file', file: 'f1', media_type: 'image/png', size: 7, name: 'a.png' } as const;
    const { name: _, ...unnamed } = file;
    const foreign = {
      type: 'file',
      mediaType: 'image/png',
      data: { type: 'reference', reference: { openai: 'file-1' } },
    };
    const shown = {
      type: 'content',
      value: [
        { type: 'text', text: 'A map.' },
        modelFile(file as never),
        modelFile(unnamed as never),
        foreign,
      ],
    };
    expect(shownJson(shown)).toEqual({
      type: 'content',
      value: [{ type: 'text', text: 'A map.' }, file, unnamed, foreign],
    });
    const untyped = { ...modelFile(file as never), mediaType: undefined };
    expect(shownJson({ type: 'content', value: [untyped] })).toMatchObject({
      value: [{ data: { type: 'reference' } }],
    });
    const bytes = {
      type: 'content',
      value: [{ type: 'media', mediaType: 'image/png', data: 'QUJD' }, 'words', null],
    };
    expect(shownJson(bytes)).toEqual(bytes);
  });

  it('has bytes in base64, and anything else as JSON has it', () => {
    const bytes = Uint8Array.of(0, 255, 7);
    const value = {
      bytes,
      buffer: bytes.buffer,
      list: [bytes],
      at: new Date(0),
      url: new URL('https://a.test/'),
      nothing: null,
    };
    expect(shownJson({ type: 'json', value })).toEqual({
      type: 'json',
      value: {
        bytes: 'AP8H',
        buffer: 'AP8H',
        list: ['AP8H'],
        at: '1970-01-01T00:00:00.000Z',
        url: 'https://a.test/',
        nothing: null,
      },
    });
  });

  it('has notes for its largest bytes until the rest has room, to the byte', () => {
    const file = (bytes: number, data: unknown = new Uint8Array(bytes)) => ({
      type: 'file',
      mediaType: 'image/png',
      data: { type: 'data', data },
    });
    const text = (length: number) => ({ type: 'text', text: 'x'.repeat(length) });
    const kept = (parts: object[]) =>
      (shownJson({ type: 'content', value: parts }) as { value: { type: string }[] }).value.map(
        ({ type }) => type,
      );
    const empty = jsonBytes(
      JSON.stringify(shownJson({ type: 'content', value: [file(30_000), file(60_000), text(0)] })),
    );
    const room = MAX_SHOWN_BYTES - empty;
    expect(around(room).map((length) => kept([file(30_000), file(60_000), text(length)])[1])).toEqual([
      'file',
      'file',
      'text',
    ]);
    expect(kept([file(30_000), file(60_000), text(room + 1)])).toEqual(['file', 'text', 'text']);
    const { value } = shownJson({ type: 'content', value: [file(3_000_000)] }) as {
      value: { text: string }[];
    };
    expect(value[0]?.text).toContain('image/png, 3000000 bytes');
    // What has no bytes stays, however long it is.
    expect(kept([text(MAX_SHOWN_BYTES)])).toEqual(['text']);
  });
});

describe('a call whose input does not fit', () => {
  it('is told field by field, in at most 500 characters', () => {
    const issue = (path: unknown[] | undefined, message: unknown) => ({ message, ...(path && { path }) });
    const told = (...issues: unknown[]) =>
      describeInvalidCall(new Error('outer', { cause: { issues } }), 'pay');
    expect(
      told(
        issue(['to', { key: 'city' }, 0], 'is missing'),
        issue([], 'is odd'),
        issue(undefined, 'is short'),
        null,
        'odd',
        {},
      ),
    ).toBe('The arguments do not fit the tool "pay": to.city.0: is missing; is odd; is short.');
    expect(told(issue(['a'], 'é'.repeat(600)))).toHaveLength(500);
    expect(describeInvalidCall(new Error('They are odd'), 'pay')).toContain('They are odd');
    for (const odd of [undefined, null, 7, new Error('x', { cause: null })])
      expect(describeInvalidCall(odd, 'pay')).toContain('tool "pay"');
  });

  it('has the path of the first field', () => {
    const failure = (...issues: unknown[]) => new Error('outer', { cause: issues });
    expect(firstPath(failure({ path: ['a', { key: 'b' }] }, { path: ['c'] }))).toBe('a.b');
    for (const none of [failure(), failure({}), failure(null), failure('x'), new Error('x'), undefined])
      expect(firstPath(none)).toBe('');
  });
});

describe('a call', () => {
  it('that asks the user has its questions without the token, and no state that has it', async () => {
    const asking = (state?: string) => ({
      tools: {
        ask: {
          forwardToken: true,
          tool: {
            inputSchema: z.object({}),
            async execute(_: unknown, { context }: { context: { userToken(): Promise<string> } }) {
              const token = await context.userToken();
              const questions = [
                {
                  key: 'k',
                  server: 's',
                  mode: 'url' as const,
                  message: `With ${token}`,
                  url: `https://a.test/?${token}`,
                },
              ];
              throw new InputRequiredError({
                questions,
                ...(state !== undefined && { state: state.replace('TOKEN', token) }),
              } as never);
            },
          },
        },
      },
    });
    const token = async () => 'of-ann';
    const asked = (state?: string, signal = new AbortController().signal) =>
      run(asking(state), call('ask', {}), { token, signal });
    const questions = [
      { key: 'k', server: 's', mode: 'url', message: 'With [token]', url: 'https://a.test/?[token]' },
    ];
    expect(await asked()).toMatchObject({ isError: true, asks: { questions } });
    expect((await asked()).asks).not.toHaveProperty('state');
    for (const state of ['', 'of the server'])
      expect((await asked(state)).asks).toEqual({ questions, state });
    const kept = await asked('with TOKEN');
    expect([kept.isError, kept.asks]).toEqual([true, undefined]);
    const stop = new AbortController();
    const stopped = await run(asking(), call('ask', {}), {
      signal: stop.signal,
      token: async () => {
        stop.abort();
        return 'of-ann';
      },
    });
    expect(stopped).toEqual({ output: 'The tool was stopped before it was done.', isError: true });
  });

  it('is given the token where its tool names it, and else an error with a code', async () => {
    const caught: unknown[] = [];
    const lending = (policy: object) => ({
      tools: {
        send: {
          ...policy,
          tool: {
            inputSchema: z.object({}),
            execute: (_: unknown, { context }: { context: { userToken(): Promise<string> } }) =>
              context.userToken().catch((error) => void caught.push(error)),
          },
        },
      },
    });
    await run(lending({}), call('send', {}), { token: async () => 'of-ann' });
    await run(lending({ forwardToken: true }), call('send', {}));
    expect(caught).toEqual([expect.any(UserTokenError), expect.any(UserTokenError)]);
    expect(caught).toMatchObject([{ code: 'TOKEN_NOT_FORWARDED' }, { code: 'TOKEN_ABSENT' }]);
  });

  it('P12: has each of the tokens that it was lent taken out, also where they were renewed meanwhile', async () => {
    const tokens = ['first', 'second'];
    const lent = new LentToken(async () => tokens.shift() ?? '');
    const both = [await lent.token(), await lent.token()];
    expect(lent.without({ [`of ${both[0]}`]: both, n: null })).toEqual({
      'of [token]': ['[token]', '[token]'],
      n: null,
    });
    expect(lent.messageOf(new Error('second, first'))).toBe('[token], [token]');
    expect(lent.messageOf('first')).toBe('[token]');
    expect(lent.messageOf({ odd: 1 })).toBe('The tool failed without saying why.');
  });

  it('has the context that its schema makes, and always what the call gives', async () => {
    let given: Record<string, unknown> = {};
    const contextSchema = z.object({
      n: z.number(),
      caller: z.any().transform(() => 'somebody else'),
      idempotencyKey: z.string().transform(() => 'other'),
    });
    const look = {
      inputSchema: z.object({}),
      contextSchema,
      execute: (_: unknown, { context }: { context: Record<string, unknown> }) => {
        given = context;
      },
    };
    const options = { tools: { look }, toolsContext: { look: { n: 1 } } };
    await run(options, call('look', {}));
    expect(given).toMatchObject({
      n: 1,
      caller: ANNS_SETUP.caller,
      idempotencyKey: 'k',
      emit: expect.any(Function),
      files: NO_FILES,
      userToken: expect.any(Function),
    });
    given = {};
    expect(await run({ ...options, toolsContext: {} }, call('look', {}))).toMatchObject({
      isError: true,
      output: expect.stringContaining('contextSchema'),
    });
    expect(given).toEqual({});
  });

  it('has no tool: the names of those that there are', async () => {
    expect(await run({}, call('pay'))).toMatchObject({
      isError: true,
      output: expect.stringContaining('Available: none.'),
    });
    expect(await run({ tools: { pay } }, call('paid'))).toMatchObject({
      output: expect.stringContaining('Available: pay.'),
    });
    const { length } = unknownTool('', []);
    expect(around(500).map((all) => unknownTool('é'.repeat(all - length), []).length)).toEqual([
      499, 500, 500,
    ]);
    expect(unknownTool('a', ['b', 'c'])).toBe('There is no tool named "a". Available: b, c.');
  });

  it('of a server that cannot be reached says so, and one of no server that there is no such tool', async () => {
    const source = { offered: async () => ({ tools: {}, missing: ['books'] }) };
    const toolbox = createToolbox(defineAgent({}), source);
    const given = {
      signal: new AbortController().signal,
      idempotencyKey: 'k',
      setup: ANNS_SETUP,
      display: UNSEEN,
      files: NO_FILES,
    };
    expect(await toolbox.run(call('books_read'), given)).toMatchObject({
      output: expect.stringContaining('"books" cannot be reached'),
    });
    for (const name of ['maps_read', 'books', 'read'])
      expect(await toolbox.run(call(name), given)).toMatchObject({
        output: expect.stringContaining('no tool named'),
      });
  });

  it('shows the model what its tool makes of the input as the schema gives it', async () => {
    const toModelOutput = async ({ input, output, toolCallId }: Record<string, unknown>) => ({
      type: 'json',
      value: [input, output, toolCallId],
    });
    expect(await run({ tools: { pay: { ...pay, toModelOutput } } }, call('pay'))).toEqual({
      output: 'paid',
      isError: false,
      shown: { type: 'json', value: [{ account: 'a', n: 1 }, 'paid', 'c1'] },
    });
  });

  it('is one of so many at the same time as the agent says', () => {
    expect(toolboxOf({ toolCallConcurrency: 2 }).concurrency).toBe(2);
    expect(toolboxOf({})).not.toHaveProperty('concurrency');
  });
});
