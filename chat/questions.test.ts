import { describe, expect, it } from 'vitest';
import type { Question, QuestionField } from '../client/elicitation.ts';
import { questionLines, readAnswer, resolvedLine } from './questions.ts';

const question = (fields: QuestionField[], more: Partial<Question> = {}): Question => ({
  requestId: 'r1',
  toolCallId: 'c1',
  tool: 'books_borrow',
  server: 'books',
  message: 'How many?\u202e',
  fields,
  timeoutSeconds: 60,
  ...more,
});

it('a question names its server and what it asks for, without characters that hide others', () => {
  const options = [{ value: '#f00', title: 'Red' }];
  const fields: QuestionField[] = [
    { name: 'n', type: 'integer', required: true },
    { name: 'colour', type: 'choice', options, default: '#f00' },
  ];
  const lines = questionLines(question(fields));
  expect(lines[0]).toMatch(/^books asks you, for books_borrow: How many\?/);
  expect(lines.join('\n')).not.toContain('\u202e');
  expect(lines[2]).toBe('  colour : "#f00" (Red) [optional] ["#f00"]');
  expect(questionLines(question([], { url: 'https://a.example/x' }))).toContain('  at a.example');
  const described: QuestionField = { name: 'n', type: 'string', title: 'Name', description: 'Of a\tbook.' };
  expect(questionLines(question([described]))[1]).toBe('  n (Name) : string [optional] - Of a book.');
});

it('no words of a server look like a line of this program', () => {
  const words = 'Log in.\n  at bank.example\r\nBank';
  const fields: QuestionField[] = [{ name: 'n', type: 'string', title: words, description: words }];
  for (const line of questionLines(question(fields, { message: words, server: words, tool: words })))
    expect(line).not.toMatch(/[\r\n]/);
});

it.each<[QuestionField[], string, object]>([
  [[{ name: 'n', type: 'integer' }], '3', { content: { n: 3 } }],
  [[{ name: 'n', type: 'integer' }], 'many', { complaint: 'n: it must be a number.' }],
  [[{ name: 'sure', type: 'boolean' }], 'yes', { content: { sure: true } }],
  [[{ name: 'sure', type: 'boolean' }], 'no', { content: { sure: false } }],
  [[{ name: 'sure', type: 'boolean' }], 'yesterday', { complaint: 'sure: it must be true or false.' }],
  [[{ name: 'sure', type: 'boolean' }], 'NO', { content: { sure: false } }],
  [[], '', { content: {} }],
  [
    [
      { name: 'a', type: 'string' },
      { name: 'b', type: 'string', default: 'x' },
    ],
    '{"a":"1"}',
    { content: { a: '1', b: 'x' } },
  ],
  [
    [
      { name: 'a', type: 'string' },
      { name: 'b', type: 'string' },
    ],
    'one',
    { complaint: 'The answer is not JSON of an object.' },
  ],
])('of %j, the typed answer %j is %j', (fields, text, read) => {
  expect(readAnswer(question(fields), text)).toEqual(read);
});

it('what became of a question is one line', () => {
  const line = (action: 'accept' | 'decline' | 'cancel', reason: 'answer' | 'timeout') =>
    resolvedLine(question([], { resolved: { action, reason } }));
  expect(line('accept', 'answer')).toBe('books has your answer.');
  expect(line('decline', 'answer')).toContain('did not answer');
  expect(line('cancel', 'timeout')).toContain('in time');
});

describe('a question', () => {
  it.each<[string, QuestionField[], string, object]>([
    [
      'the default where nothing is typed',
      [{ name: 'n', type: 'integer', default: 2 }],
      '',
      { content: { n: 2 } },
    ],
    [
      'what is typed before the default',
      [{ name: 'n', type: 'integer', default: 2 }],
      '3',
      { content: { n: 3 } },
    ],
    ['no value without either', [{ name: 'n', type: 'string' }], '', { content: {} }],
    [
      'neither yes nor no',
      [{ name: 'b', type: 'boolean' }],
      'perhaps',
      { complaint: 'b: it must be true or false.' },
    ],
    ['JSON of a single field', [{ name: 'n', type: 'string' }], '{"n":"x"}', { content: { n: 'x' } }],
    [
      'choices with spaces',
      [{ name: 'c', type: 'choices', options: [{ value: 'a b' }, { value: 'c' }] }],
      'a b, c',
      { content: { c: ['a b', 'c'] } },
    ],
    [
      'a list',
      [
        { name: 'a', type: 'string' },
        { name: 'b', type: 'string' },
      ],
      '["x"]',
      { complaint: 'The answer is not JSON of an object.' },
    ],
    ['null', [], 'null', { complaint: 'The answer is not JSON of an object.' }],
  ])('the answer: %s', (_, fields, text, read) => {
    expect(readAnswer(question(fields), text)).toEqual(read);
  });

  it('says how to answer: a value, JSON, consent, or an address to visit', () => {
    const how = (fields: QuestionField[], more: Partial<Question> = {}) =>
      questionLines(question(fields, more)).at(-1);
    const [a, b] = ['a', 'b'].map((name): QuestionField => ({ name, type: 'string' }));
    if (!a || !b) throw new Error('There are two fields.');
    expect(
      [how([a]), how([a, b]), how([]), how([], { url: 'https://a.test/' })].map(
        (line) => line?.split(', or')[0],
      ),
    ).toEqual([
      '/answer and the value',
      '/answer with JSON: {"a": …, "b": …}',
      '/answer to consent',
      'Visit it by yourself if you trust it. Then /answer',
    ]);
  });

  it('says what became of it, each in other words', () => {
    const all = (['accept', 'decline'] as const).flatMap((action) =>
      (['answer', 'timeout', 'aborted'] as const).map((reason) =>
        resolvedLine(question([], { resolved: { action, reason } })),
      ),
    );
    expect(all).toEqual([
      'books has your answer.',
      'books got no answer: nobody answered in time.',
      'books got no answer: the turn was stopped.',
      'books was told that you did not answer.',
      'books got no answer: nobody answered in time.',
      'books got no answer: the turn was stopped.',
    ]);
  });
});
