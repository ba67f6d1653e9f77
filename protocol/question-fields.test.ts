import { describe, expect, it } from 'vitest';
import { misfitOf, type QuestionField } from './question-fields.ts';

/** Whether a value fits a field that asks so. */
const fits = (field: Omit<QuestionField, 'name'>, value: unknown) =>
  misfitOf([{ name: 'f', ...field }], { f: value }) === undefined;

describe('an answer to a question', () => {
  it('of text has as many characters as are asked for, which are no code units', () => {
    for (const letter of ['x', 'é', '€', '😀'])
      for (const [count, isFit] of [
        [1, false],
        [2, true],
        [4, true],
        [5, false],
      ] as const)
        expect(fits({ type: 'string', min: 2, max: 4 }, letter.repeat(count)), `${count} ${letter}`).toBe(
          isFit,
        );
  });

  it('of a number is finite, whole where that is asked for, and between the ends, which count', () => {
    for (const [value, isNumber, isInteger] of [
      [1, false, false],
      [2, true, true],
      [2.5, true, false],
      [4, true, true],
      [4.000001, false, false],
      [Number.NaN, false, false],
      ['3', false, false],
      [null, false, false],
    ] as const) {
      expect(fits({ type: 'number', min: 2, max: 4 }, value), String(value)).toBe(isNumber);
      expect(fits({ type: 'integer', min: 2, max: 4 }, value), String(value)).toBe(isInteger);
    }
    for (const value of [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])
      expect(fits({ type: 'number' }, value)).toBe(false);
  });

  it('of choices has options alone, each once, and as many as are asked for', () => {
    const field = {
      type: 'choices',
      options: ['a', 'b', 'c'].map((value) => ({ value })),
      min: 1,
      max: 2,
    } as const;
    for (const good of [['a'], ['c', 'b']]) expect(fits(field, good)).toBe(true);
    for (const bad of [[], ['a', 'a'], ['a', 'b', 'c'], ['d'], 'a', [['a']], [1]])
      expect(fits(field, bad)).toBe(false);
    expect(fits({ ...field, type: 'choice' }, 'b')).toBe(true);
    for (const bad of ['d', ['b'], '']) expect(fits({ ...field, type: 'choice' }, bad)).toBe(false);
  });

  it.each([
    [
      'date',
      ['2026-02-28', '2028-02-29'],
      ['2026-02-29', '2026-02-30', '2026-13-01', '2026-1-1', '2026-11-30T00:00:00Z'],
    ],
    [
      'date-time',
      ['2026-11-30T18:00:00Z', '2026-11-30t18:00:00.5+01:00'],
      [
        '2026-11-30',
        '2026-02-30T18:00:00Z',
        '2026-11-30T25:00:00Z',
        '2026-11-30T18:61:00Z',
        '2026-11-30T18:00:00',
      ],
    ],
    ['email', ['a@b', 'ä@b.example'], ['a', '@b', 'a@', 'a b@c', 'a@b@c']],
    ['uri', ['https://a.example', 'urn:a', 'mailto:a@b'], ['a.example', '//a', 'https:', '1a:b', 'a: b']],
  ] as const)('of the format %s is one', (format, good, bad) => {
    for (const text of good) expect(fits({ type: 'string', format }, text), text).toBe(true);
    for (const text of bad) expect(fits({ type: 'string', format }, text), text).toBe(false);
  });

  it('has what is required and what was asked for, and nothing that every object has', () => {
    const asked: QuestionField[] = [
      { name: 'toString', type: 'string' },
      { name: 'constructor', type: 'string', required: true },
    ];
    expect(misfitOf(asked, {})).toEqual({ field: 'constructor', complaint: 'it is missing' });
    expect(misfitOf(asked, { constructor: 'c' } as never)).toBeUndefined();
    expect(misfitOf(asked, JSON.parse('{"constructor":"c","other":1}'))).toMatchObject({ field: 'other' });
    expect(misfitOf([], {})).toBeUndefined();
    expect(misfitOf([], { '': 1 })).toMatchObject({ field: '' });
  });
});
