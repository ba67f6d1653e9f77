import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { misfitOf } from '../../protocol/question-fields.ts';
import { cases } from '../../test/support/sample.ts';
import { around, brokenText, WRITTEN } from '../../test/support/text.ts';
import { requiredIn, withInput } from './elicitation.ts';
import { McpToolError } from './tool-error.ts';

const form = (properties: unknown, more: object = {}, message: unknown = 'Really?') => ({
  method: 'elicitation/create',
  params: { message, requestedSchema: { type: 'object', properties, ...more } },
});
const visit = (url: unknown) => ({
  method: 'elicitation/create',
  params: { mode: 'url', message: 'Log in.', url },
});
const asked = (request: unknown, more: object = {}) =>
  requiredIn('books', { inputRequests: { a: request }, ...more });
const fieldsOf = (properties: object, more?: object) => asked(form(properties, more)).questions[0]?.fields;

/** Whether it is asked. What is not is an error of the call, in words. */
function isAsked(request: unknown, more?: object): boolean {
  try {
    return asked(request, more).questions.length === 1;
  } catch (error) {
    expect(error).toBeInstanceOf(McpToolError);
    expect(String(error)).toContain('the server "books" asks the user something that cannot be shown');
    return false;
  }
}

const AT_THE_LIMIT = [true, true, false];
const many = (count: number) => Array.from({ length: count }, (_, i) => `${i}`);

describe('what a server may ask', () => {
  it('are at most 32 fields, 200 options of a field, and an address of 2048 characters', () => {
    const fields = (count: number) =>
      isAsked(form(Object.fromEntries(many(count).map((name) => [name, { type: 'boolean' }]))));
    expect(around(32).map(fields)).toEqual(AT_THE_LIMIT);
    for (const options of [
      (count: number) => ({ type: 'string', enum: many(count) }),
      (count: number) => ({ type: 'array', items: { enum: many(count) } }),
    ])
      expect(around(200).map((count) => isAsked(form({ x: options(count) })))).toEqual(AT_THE_LIMIT);
    const address = (length: number) => isAsked(visit('https://mcp.example/'.padEnd(length, 'x')));
    expect(around(2048).map(address)).toEqual(AT_THE_LIMIT);
  });

  it('are words of a length that a person reads: 2,000 characters of a message, and 500 of anything else', () => {
    const cut = (limit: number) => ['é'.repeat(limit - 1), 'é'.repeat(limit), `${'é'.repeat(limit - 1)}…`];
    const words = (limit: number) => around(limit).map((length) => 'é'.repeat(length));
    expect(words(2000).map((message) => asked(form({}, {}, message)).questions[0]?.message)).toEqual(
      cut(2000),
    );
    const visited = (message: string) => ({
      ...visit('https://mcp.example/'),
      params: { ...visit('https://mcp.example/').params, message },
    });
    expect(words(2000).map((message) => asked(visited(message)).questions[0]?.message)).toEqual(cut(2000));
    const shown = words(500).map((text) => {
      const x = { type: 'string', title: text, description: text, enum: ['a'], enumNames: [text] };
      const [field] = fieldsOf({ x }) ?? [];
      return [field?.title, field?.description, field?.options?.[0]?.title];
    });
    expect(shown).toEqual(cut(500).map((text) => [text, text, text]));
  });

  it.each(WRITTEN)('are questions and a state of 16,384 bytes of JSON each: with %j', (character) => {
    const limit = 16 * 1024;
    const bytes = (value: unknown) => Buffer.byteLength(JSON.stringify(value));
    const words = character.repeat(20);
    const state = (size: number) =>
      isAsked(visit('https://mcp.example/'), { requestState: words + 'x'.repeat(size - bytes(words)) });
    expect(around(limit).map(state)).toEqual(AT_THE_LIMIT);
    // The name of a field is the server's: no limit of its own shortens it.
    const field = (name: string) => form({ [name]: { type: 'boolean' } });
    const rest = (size: number) => size - bytes(asked(field(words)).questions);
    const questions = (size: number) => isAsked(field(words + 'x'.repeat(rest(size))));
    expect(around(limit).map(questions)).toEqual(AT_THE_LIMIT);
  });

  it('names fields that it has, of which it may require any, and asks one question at least', () => {
    const x = { type: 'string' };
    expect(isAsked(form({ x, y: x }, { required: ['y'] }))).toBe(true);
    for (const required of [['z'], ['x', 'z'], ['constructor']])
      expect(isAsked(form({ x, y: x }, { required }))).toBe(false);
    expect(fieldsOf({ x, y: x }, { required: ['y'] })).toEqual([
      { name: 'x', type: 'string' },
      { name: 'y', type: 'string', required: true },
    ]);
    expect(() => requiredIn('books', { inputRequests: {} })).toThrow('it names no question');
    expect(() => requiredIn('books', {})).toThrow('it names no question');
  });

  it.each([
    'http://mcp.example/',
    'https://ann@mcp.example/',
    'https://:secret@mcp.example/',
    'mcp.example',
    '',
    7,
    undefined,
  ])('is no visit to %s', (url) => expect(isAsked(visit(url))).toBe(false));

  it.each([
    { method: 'roots/list', params: {} },
    { ...form({}), method: undefined },
    { method: 'elicitation/create', params: { requestedSchema: { type: 'object' } } },
    {
      method: 'elicitation/create',
      params: { message: 'A', mode: 'voice', requestedSchema: { type: 'object' } },
    },
    { method: 'elicitation/create', params: { message: 'A', requestedSchema: { type: 'array' } } },
    null,
  ])('is nothing else: %j', (request) => expect(isAsked(request)).toBe(false));

  it('is shown in well-formed texts of a length that a person reads, whatever the server writes', () => {
    fc.assert(
      fc.property(brokenText({ maxLength: 30 }), fc.integer({ min: 1, max: 300 }), (text, times) => {
        const words = text.repeat(times);
        const x = { type: 'string', title: words, description: words, oneOf: [{ const: 'a', title: words }] };
        const { questions } = asked(form({ x }, {}, words));
        expect(JSON.parse(JSON.stringify(questions))).toEqual(questions);
        const [{ message, fields = [] } = { message: '' }] = questions;
        const [{ title = '', description = '', options = [] } = {}] = fields;
        expect(message.length).toBeLessThanOrEqual(2000);
        for (const shown of [title, description, options[0]?.title ?? ''])
          expect(shown.length).toBeLessThanOrEqual(500);
        for (const shown of [message, title, description, options[0]?.title ?? ''])
          expect(shown.isWellFormed()).toBe(true);
        if (words.length <= 500)
          expect([message, title, description]).toEqual(Array(3).fill(words.toWellFormed()));
      }),
      { numRuns: cases(100) },
    );
  });

  it.each([
    [
      { type: 'string', anyOf: [{ const: 'r', title: 'Red' }] },
      { type: 'choice', options: [{ value: 'r', title: 'Red' }] },
    ],
    [
      { type: 'array', items: { oneOf: [{ const: 'r' }] } },
      { type: 'choices', options: [{ value: 'r' }] },
    ],
    [
      { type: 'number', minimum: 0, maximum: 0, default: 0 },
      { type: 'number', min: 0, max: 0, default: 0 },
    ],
    [
      { type: 'string', minLength: 0, maxLength: 0, default: '' },
      { type: 'string', min: 0, max: 0, default: '' },
    ],
    [{ type: 'string', format: 'hostname', title: 7 }, { type: 'string' }],
    [
      { type: 'string', format: 'date', default: '2026-02-30' },
      { type: 'string', format: 'date' },
    ],
  ])('%j is the field %j', (schema, field) =>
    expect(fieldsOf({ x: schema })).toEqual([{ name: 'x', ...field }]),
  );

  it('has only defaults that would be taken', () => {
    const schema = fc.record({
      type: fc.constantFrom('string', 'integer', 'number', 'boolean'),
      minimum: fc.option(fc.integer({ min: -3, max: 3 }), { nil: undefined }),
      maxLength: fc.option(fc.nat(3), { nil: undefined }),
      default: fc.jsonValue({ maxDepth: 1 }),
    });
    fc.assert(
      fc.property(schema, (one) => {
        const fields = fieldsOf({ x: one }) ?? [];
        const [{ default: preset, ...field } = { name: '', type: 'string' as const, default: undefined }] =
          fields;
        const fits = misfitOf([field], { x: one.default }) === undefined;
        expect(preset).toEqual(fits ? one.default : undefined);
      }),
      { numRuns: cases(200) },
    );
  });
});

describe('a call that goes on', () => {
  const CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities';
  const params = { name: 'burn', _meta: { [CAPABILITIES]: { roots: {} }, progressToken: 3 } };
  const answers = { a: { action: 'accept' } } as const;
  const elicits = { roots: {}, elicitation: { form: {}, url: {} } };
  const told = { ...params, _meta: { [CAPABILITIES]: elicits, progressToken: 3 } };

  it('says that the user can be asked, beside what the client says of itself', () => {
    expect(withInput(params, {})).toEqual(told);
    expect(withInput({ name: 'burn', _meta: {} }, {})).toBeUndefined();
  });

  it.each(['', 'of the server'])('has the answers, and the state as it was given: %j', (state) => {
    expect(withInput(params, { given: { answers, state } })).toEqual({
      ...told,
      inputResponses: answers,
      requestState: state,
    });
    expect(withInput(params, { given: { answers } })).toEqual({ ...told, inputResponses: answers });
    expect(asked(form({}), { requestState: state })).toMatchObject({ state });
    expect(asked(form({}), { requestState: 7 })).not.toHaveProperty('state');
  });

  it.each([{ requestState: 'newer' }, { inputResponses: {} }])(
    'that the client makes again by itself keeps what it has: %j',
    (own) => {
      const given = { answers, state: 'older' };
      expect(withInput({ ...params, ...own }, { given })).toEqual({ ...told, ...own });
    },
  );
});
