import { createElement } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { expect, it } from 'vitest';
import type { Question, QuestionField } from '../../client/elicitation.ts';
import { QuestionCard } from './question.tsx';
import { partsOfUrl, valuesOf } from './question-values.ts';

const question: Question = {
  requestId: 'r1',
  toolCallId: 'c1',
  tool: 'books_borrow',
  server: 'books',
  message: 'For whom? <b>https://evil.example</b>\u202e',
  fields: [{ name: 'name', type: 'string', required: true }],
  timeoutSeconds: 60,
};
const cardOf = (more: Partial<Question> = {}) =>
  renderToStaticMarkup(
    createElement(QuestionCard, { question: { ...question, ...more }, answer: async () => true }),
  );

it('the card of a question names the server, and makes no markup, link or hidden character of its words', () => {
  const html = cardOf();
  expect(html).toContain('<code>books</code> asks you');
  expect(html).not.toMatch(/<b>|<a |\u202e/);
});

it('an address is shown whole, its host apart, and is opened by the user alone', () => {
  const html = cardOf({ fields: [], url: 'https://xn--bnk-0na.example/a?b=c' });
  expect(html).toContain('https://<strong>xn--bnk-0na.example</strong>/a?b=c');
  expect(html).toContain('rel="noopener noreferrer"');
  expect(html).toContain('letters of other scripts');
  expect(html).not.toMatch(/<(img|iframe|link|script)/);
  expect(partsOfUrl('https://a.example/https://b.example')).toEqual([
    'https://',
    'a.example',
    '/https://b.example',
  ]);
});

it('what is left empty is left out of an answer; the rest has the types that were asked for', () => {
  const form = new FormData();
  form.append('field-0', 'Ann');
  form.append('field-1', '2');
  form.append('field-3', '');
  form.append('field-5', 'a');
  form.append('field-5', 'b');
  const types = ['string', 'integer', 'boolean', 'choice', 'number', 'choices'] as const;
  const fields = types.map((type) => ({ name: `the ${type}`, type }));
  form.set('field-4', '  ');
  expect(valuesOf(fields, form)).toEqual({
    'the string': 'Ann',
    'the integer': 2,
    'the boolean': false,
    'the choices': ['a', 'b'],
  });
});

it('a choice of several that was left empty is an empty list where an answer is required, and left out otherwise', () => {
  const field = { name: 'days', type: 'choices' } as const;
  expect(valuesOf([field], new FormData())).toEqual({});
  expect(valuesOf([{ ...field, required: true }], new FormData())).toEqual({ days: [] });
  const one = new FormData();
  one.append('field-0', 'Monday');
  expect(valuesOf([field], one)).toEqual({ days: ['Monday'] });
});

/** The elements of a form of one field. */
const formOf = (field: QuestionField) =>
  /<form[^>]*>(.*)<\/form>/s.exec(cardOf({ fields: [field] }))?.[1] ?? '';
const options = [{ value: 'a', title: 'A\u202e' }, { value: 'b' }];

it.each<[QuestionField, string]>([
  [{ name: 'n', type: 'string' }, 'type="text"'],
  [{ name: 'n', type: 'string', format: 'email' }, 'type="email"'],
  [{ name: 'n', type: 'string', format: 'date' }, 'type="date"'],
  [{ name: 'n', type: 'string', format: 'uri' }, 'type="url"'],
  [{ name: 'n', type: 'string', format: 'date-time' }, 'type="text"'],
  [{ name: 'n', type: 'integer' }, 'type="number"'],
  [{ name: 'n', type: 'number' }, 'type="number" step="any"'],
  [{ name: 'n', type: 'number', default: 0 }, 'value="0"'],
])('a value is entered where it can be: %j', (field, attributes) => {
  expect(formOf(field)).toContain(attributes);
  expect(formOf({ name: 'n', type: 'integer' })).not.toContain('step');
});

it('what is proposed is chosen to begin with, and nothing else', () => {
  const checked = (field: QuestionField) =>
    [...formOf(field).matchAll(/<input[^>]*>/g)].map(([input]) => input.includes('checked'));
  expect(checked({ name: 'n', type: 'boolean', default: true })).toEqual([true]);
  expect(checked({ name: 'n', type: 'boolean', default: false })).toEqual([false]);
  expect(checked({ name: 'n', type: 'boolean' })).toEqual([false]);
  expect(checked({ name: 'n', type: 'choices', options, default: ['b'] })).toEqual([false, true]);
  expect(checked({ name: 'n', type: 'choices', options })).toEqual([false, false]);
  const selected = (field: QuestionField) => /<option value="(\w*)" selected/.exec(formOf(field))?.[1];
  expect(selected({ name: 'n', type: 'choice', options, default: 'b' })).toBe('b');
  expect(selected({ name: 'n', type: 'choice', options })).toBe('');
});

it('a choice that must be made can be left open only where nothing is proposed', () => {
  const isOpen = (field: Partial<QuestionField>) =>
    formOf({ name: 'n', type: 'choice', options, ...field }).includes('Choose…');
  expect([isOpen({}), isOpen({ default: 'a' })]).toEqual([true, true]);
  expect([isOpen({ required: true }), isOpen({ required: true, default: 'a' })]).toEqual([true, false]);
});

it('the words of a server for its fields hide nothing, and say what may be left out', () => {
  for (const type of ['choice', 'choices'] as const)
    expect(formOf({ name: 'n', type, title: 'T\u202e', description: 'D\u202e', options })).not.toContain(
      '\u202e',
    );
  expect(formOf({ name: 'n\u202e', type: 'string' })).not.toContain('\u202e');
  expect(formOf({ name: 'n', type: 'string' })).toContain('(optional)');
  expect(formOf({ name: 'n', type: 'string', required: true })).not.toContain('(optional)');
});
