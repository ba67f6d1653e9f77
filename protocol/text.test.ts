import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cases } from '../test/support/sample.ts';
import { cutAt, shortened, wellFormed } from './text.ts';

/** Texts with lone surrogates, pairs, combined letters and flags. */
const anyText = fc.array(
  fc.oneof(
    fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)),
    fc.constantFrom('\ud83d', '\ude00', '😀', '🇵🇹', 'e\u0301', '👩‍👩‍👧', 'a', ' '),
  ),
);

describe('wellFormed', () => {
  it('leaves no half of a surrogate pair, in texts, lists and names, and changes nothing else', () => {
    fc.assert(
      fc.property(anyText, (parts) => {
        const text = parts.join('');
        const value = wellFormed({ [text]: [text, { text }], n: 1, no: null });
        expect(JSON.stringify(value).isWellFormed()).toBe(true);
        expect(JSON.stringify(value)).not.toMatch(/\\ud[89a-f]/i);
        expect(wellFormed(text)).toHaveLength(text.length);
        if (text.isWellFormed()) expect(wellFormed(text)).toBe(text);
      }),
      { numRuns: cases(5000) },
    );
  });

  it('keeps names of objects’ own things as names', () => {
    const value = JSON.parse('{"__proto__":{"a":"\\ud83d"},"constructor":1}');
    expect(JSON.stringify(wellFormed(value))).toBe('{"__proto__":{"a":"\ufffd"},"constructor":1}');
  });
});

describe('a cut', () => {
  it('divides no surrogate pair: pieces of well-formed text are well-formed', () => {
    fc.assert(
      fc.property(anyText, fc.nat(200), (parts, length) => {
        const text = wellFormed(parts.join(''));
        const end = cutAt(text, Math.min(length, text.length));
        expect(text.slice(0, end).isWellFormed()).toBe(true);
        expect(text.slice(end).isWellFormed()).toBe(true);
        const short = shortened(text, length + 1);
        expect(short.isWellFormed()).toBe(true);
        expect(short.length).toBeLessThanOrEqual(length + 1);
      }),
      { numRuns: cases(5000) },
    );
  });

  it.each([
    ['ab🇵🇹🇵🇹', 6, 'ab…'],
    ['ab🇵🇹🇵🇹', 7, 'ab🇵🇹…'],
    ['caffe\u0301 latte', 6, 'caff…'],
    ['👩‍👩‍👧‍👦!', 10, '…'],
    ['one two three', 8, 'one two…'],
    ['one two', 7, 'one two'],
    [`a${'\u0301'.repeat(200)}`, 101, `a${'\u0301'.repeat(99)}…`],
  ])('for a reader leaves out whole characters: %s to %i is %s', (text, length, short) => {
    expect(shortened(text, length)).toBe(short);
  });
});
