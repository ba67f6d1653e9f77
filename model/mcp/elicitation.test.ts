import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { CallInput } from '../../core/elicitation.ts';
import { ANNS_SETUP, NO_FILES, UNSEEN } from '../../core/testing/call-setup.ts';
import { misfitOf } from '../../protocol/question-fields.ts';
import {
  type AskingMcpServer,
  type Asks,
  startAskingMcpServer,
} from '../../test/support/asking-mcp-server.ts';
import { startMcpServer } from '../../test/support/mcp-server.ts';
import { defineAgent } from '../agent/define-agent.ts';
import { createToolbox } from '../tools/toolbox.ts';
import { requiredIn } from './elicitation.ts';
import { createToolSource } from './tool-source.ts';

const running: AskingMcpServer[] = [];
afterEach(async () => {
  for (const server of running.splice(0)) await server.close();
});

const form = (properties: object, required: string[] = []): Asks[string] => ({
  method: 'elicitation/create',
  params: { message: 'Really?', requestedSchema: { type: 'object', properties, required } },
});
const SURE = form({ sure: { type: 'boolean', title: 'Sure?' } }, ['sure']);
const VISIT: Asks[string] = {
  method: 'elicitation/create',
  params: { mode: 'url', message: 'Log in.', url: 'https://mcp.example/login' },
};
const YES = { action: 'accept', content: { sure: true } } as const;

/** A function of its own that calls `burn`: nothing but `input` comes from another one. */
function caller(url: string, { elicitation = true } = {}) {
  const agent = defineAgent({ mcp: { books: { url, connectSeconds: 5, elicitation } } });
  const source = createToolSource(agent, {
    urls: {},
    token: async () => '',
    warn: () => {},
    failed: () => {},
    now: () => 0,
  });
  return (input?: CallInput) =>
    createToolbox(agent, source).run(
      { id: '1', name: 'books_burn', args: { title: 'Cats' } },
      {
        signal: new AbortController().signal,
        idempotencyKey: 'key',
        setup: ANNS_SETUP,
        display: UNSEEN,
        files: NO_FILES,
        ...(input && { input }),
      },
    );
}

async function given(rounds: Asks[], how: { stream?: boolean } = {}) {
  const server = await startAskingMcpServer(rounds, how);
  running.push(server);
  return server;
}

describe('a server that asks the user', () => {
  it.each([false, true])(
    'is told the answers and its state by whichever process goes on, round after round (stream: %s)',
    async (stream) => {
      const server = await given([{ sure: SURE }, { login: VISIT, why: form({}) }], { stream });
      const first = await caller(server.url)({});
      expect(first).toMatchObject({
        isError: true,
        asks: {
          state: expect.stringMatching(/^1\./),
          questions: [
            {
              key: 'sure',
              server: 'books',
              mode: 'form',
              message: 'Really?',
              fields: [{ name: 'sure', type: 'boolean', title: 'Sure?', required: true }],
            },
          ],
        },
      });
      const state = first.asks?.state ?? '';
      const second = await caller(server.url)({ given: { answers: { sure: YES }, state } });
      expect(second.asks?.questions).toMatchObject([
        { key: 'login', mode: 'url', url: 'https://mcp.example/login' },
        { key: 'why', mode: 'form', fields: [] },
      ]);
      const answers = { login: { action: 'accept' }, why: { action: 'decline' } } as const;
      const last = await caller(server.url)({ given: { answers, state: second.asks?.state ?? '' } });
      expect(last).toEqual({ output: 'Burnt.', isError: false });
      expect(server.ran).toEqual([answers]);
    },
  );

  it('is not told that it could where nobody can be asked, or the agent does not say so: each question is cancelled', async () => {
    for (const [elicitation, input] of [
      [false, {}],
      [true, undefined],
    ] as const) {
      const server = await given([{ sure: SURE }]);
      expect(await caller(server.url, { elicitation })(input)).toEqual({ output: 'Burnt.', isError: false });
      expect(server.ran).toEqual([{ sure: { action: 'cancel' } }]);
      expect(server.asked.some(({ elicits }) => elicits)).toBe(false);
      // Without a session. Its tools are on two pages.
      const methods = ['server/discover', 'tools/list', 'tools/list', 'tools/call', 'tools/call'];
      expect(server.asked.map(({ method }) => method)).toEqual(methods);
    }
  });

  it('of an older version is not told either: what it asks on an open stream would be lost with its process', async () => {
    const library = await startMcpServer();
    const agent = defineAgent({ mcp: { books: { url: library.url, elicitation: true } } });
    const source = createToolSource(agent, {
      urls: {},
      token: async () => '',
      warn: () => {},
      failed: () => {},
      now: () => 0,
    });
    const call = { id: '1', name: 'books_search', args: { query: 'cats' } };
    const context = { signal: new AbortController().signal, idempotencyKey: 'key', setup: ANNS_SETUP };
    expect(
      await createToolbox(agent, source).run(call, {
        ...context,
        display: UNSEEN,
        files: NO_FILES,
        input: {},
      }),
    ).toEqual({ output: 'One book about cats.', isError: false });
    await library.close();
  });

  it.each<[string, Asks[string]]>([
    ['what only a model answers', { method: 'sampling/createMessage', params: { messages: [] } }],
    ['values within values', form({ a: { type: 'object', properties: {} } })],
    ['a list of anything', form({ a: { type: 'array', items: { type: 'number' } } })],
    ['an option that is no text', form({ a: { type: 'string', enum: [1] } })],
    ['a field that does not exist', form({}, ['a'])],
    [
      'more than 32 fields',
      form(Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`f${i}`, { type: 'string' }]))),
    ],
    [
      'more than 16 KiB',
      form({ a: { type: 'string', enum: Array.from({ length: 150 }, (_, i) => `${i}`.padEnd(200)) } }),
    ],
    ['an address without TLS', { ...VISIT, params: { ...VISIT?.params, url: 'http://mcp.example/login' } }],
    [
      'one of the user’s own machine',
      { ...VISIT, params: { ...VISIT?.params, url: 'http://localhost:8080/' } },
    ],
    ['a script', { ...VISIT, params: { ...VISIT?.params, url: 'javascript:alert(1)' } }],
    [
      'a user in the address',
      { ...VISIT, params: { ...VISIT?.params, url: 'https://bank.example@evil.example/' } },
    ],
  ])('cannot ask for %s: the call is an error that says so', async (_, request) => {
    const server = await given([{ a: request }]);
    const outcome = await caller(server.url)({});
    expect(outcome).toMatchObject({ isError: true, output: expect.stringContaining('cannot be shown') });
    expect(outcome.asks).toBeUndefined();
  });
});

describe('what a form asks for', () => {
  const fieldsOf = (properties: object, required: string[] = []) =>
    requiredIn('books', { inputRequests: { a: form(properties, required) } }).questions[0]?.fields;

  // The examples of the page "Elicitation" of the specification.
  it.each<[object, object]>([
    [
      {
        type: 'string',
        title: 'Display Name',
        minLength: 3,
        maxLength: 50,
        format: 'email',
        default: 'user@example.com',
      },
      {
        type: 'string',
        title: 'Display Name',
        min: 3,
        max: 50,
        format: 'email',
        default: 'user@example.com',
      },
    ],
    [
      { type: 'integer', description: 'Description text', minimum: 0, maximum: 100, default: 50 },
      { type: 'integer', description: 'Description text', min: 0, max: 100, default: 50 },
    ],
    [
      { type: 'boolean', default: false },
      { type: 'boolean', default: false },
    ],
    [
      { type: 'string', enum: ['Red', 'Green'], default: 'Red' },
      { type: 'choice', options: [{ value: 'Red' }, { value: 'Green' }], default: 'Red' },
    ],
    [
      { type: 'string', oneOf: [{ const: '#FF0000', title: 'Red' }], default: '#FF0000' },
      { type: 'choice', options: [{ value: '#FF0000', title: 'Red' }], default: '#FF0000' },
    ],
    [
      { type: 'array', minItems: 1, maxItems: 2, items: { type: 'string', enum: ['Red'] }, default: ['Red'] },
      { type: 'choices', min: 1, max: 2, options: [{ value: 'Red' }], default: ['Red'] },
    ],
    [
      { type: 'array', items: { anyOf: [{ const: '#FF0000', title: 'Red' }] } },
      { type: 'choices', options: [{ value: '#FF0000', title: 'Red' }] },
    ],
    // Of an older version.
    [
      { type: 'string', enum: ['r'], enumNames: ['Red'] },
      { type: 'choice', options: [{ value: 'r', title: 'Red' }] },
    ],
    // A default that does not fit is none.
    [
      { type: 'integer', minimum: 5, default: 1 },
      { type: 'integer', min: 5 },
    ],
  ])('%j is %j', (schema, field) => {
    expect(fieldsOf({ x: schema })).toEqual([{ name: 'x', ...field }]);
  });

  it.each<[object, unknown, string | undefined]>([
    [{ type: 'string', format: 'email' }, 'ann@example.com', undefined],
    [{ type: 'string', format: 'email' }, 'ann', 'e-mail'],
    [{ type: 'string', format: 'date' }, '2026-02-30', 'date'],
    [{ type: 'string', format: 'date' }, '2026-02-28', undefined],
    [{ type: 'string', format: 'date-time' }, '2026-11-30T18:00:00Z', undefined],
    [{ type: 'string', format: 'date-time' }, '2026-11-30', 'RFC 3339'],
    [{ type: 'string', format: 'uri' }, 'example.com', 'scheme'],
    [{ type: 'string', maxLength: 2 }, '👍🏽', undefined],
    [{ type: 'string', minLength: 1 }, '', 'at least 1 characters'],
    [{ type: 'integer' }, 1.5, 'whole'],
    [{ type: 'number', maximum: 3 }, 4, 'at most 3'],
    [{ type: 'boolean' }, 'true', 'true or false'],
    [{ type: 'string', enum: ['a'] }, 'b', 'one of the options'],
    [{ type: 'array', items: { enum: ['a'] }, minItems: 1 }, [], 'at least 1 options'],
    [{ type: 'array', items: { enum: ['a'] } }, ['a', 'a'], 'once'],
  ])('of %j, %j: %s', (schema, value, complaint) => {
    const misfit = misfitOf(fieldsOf({ x: schema }) ?? [], { x: value });
    if (complaint === undefined) expect(misfit).toBeUndefined();
    else expect(misfit).toMatchObject({ field: 'x', complaint: expect.stringContaining(complaint) });
  });

  it('is given or left out as `required` says, and nothing else is taken', () => {
    const fields = fieldsOf({ a: { type: 'string' }, b: { type: 'string' } }, ['a']) ?? [];
    expect(misfitOf(fields, { a: '1' })).toBeUndefined();
    expect(misfitOf(fields, { b: '1' })).toEqual({ field: 'a', complaint: 'it is missing' });
    expect(misfitOf(fields, { a: '1', c: '1' })).toEqual({ field: 'c', complaint: 'it was not asked for' });
    expect(misfitOf(fields, JSON.parse('{"a":"1","__proto__":"1"}'))).toMatchObject({ field: '__proto__' });
  });

  it('is read of anything that a server sends, or refused in words', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string(), (value, name) => {
        try {
          const { questions } = requiredIn('books', {
            inputRequests: { a: form({ [name]: value as object }) },
          });
          expect(questions[0]?.fields).toHaveLength(1);
        } catch (error) {
          expect(String(error)).toContain('cannot be shown');
        }
      }),
      { numRuns: 100 },
    );
  });
});
