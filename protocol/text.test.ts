import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { cases } from '../test/support/sample.ts';
import { hasWords } from './search.ts';
import { cutAt, isHighSurrogate, shortened, visible, wellFormed } from './text.ts';

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

  it('is before a pair of the whole range, from the first to the last', () => {
    for (const pair of ['\u{10000}', '😀', '\u{10ffff}']) {
      expect(cutAt(`a${pair}b`, 2)).toBe(1);
      expect([cutAt(`a${pair}b`, 1), cutAt(`a${pair}b`, 3)]).toEqual([1, 3]);
      expect([isHighSurrogate(pair.charCodeAt(0)), isHighSurrogate(pair.charCodeAt(1))]).toEqual([
        true,
        false,
      ]);
    }
    for (const other of ['\ud7ff', '\ue000']) expect(isHighSurrogate(other.charCodeAt(0))).toBe(false);
  });

  describe('where nothing knows what a reader takes for a character', () => {
    afterEach(() => void vi.unstubAllGlobals());

    it.each([undefined, {}])('divides no surrogate pair: Intl is %j', (intl) => {
      vi.stubGlobal('Intl', intl);
      expect(shortened('ab🇵🇹🇵🇹', 6)).toBe('ab🇵…');
      expect(shortened('one two', 7)).toBe('one two');
    });
  });
});

it('a text that a person decides by shows what reorders, joins or hides other characters, and means the same', () => {
  // Of each kind: directions, joiners, line and paragraph separators, tags, and what has no width.
  for (const hidden of ['\u202e', '\u200d', '\u2028', '\u2029', '\u{e0061}', '\ufeff', '\u00ad']) {
    const json = JSON.stringify({ to: `a${hidden}b` });
    expect(visible(json)).toMatch(/^[\x20-\x7e]+$/);
    expect(JSON.parse(visible(json))).toEqual(JSON.parse(json));
  }
  expect(visible('{"to":"日本 é"}')).toBe('{"to":"日本 é"}');
});

it.each<[string, string, boolean]>([
  ['Café in Lisbon', 'CAFE lis', true],
  ['Cafe\u0301 in Lisbon', 'café', true],
  ['The ﬁnal offer', 'final', true],
  ['Ｆｕｌｌ width', 'full', true],
  ['Größe', 'GROSSE', false],
  ['Café in Lisbon', 'cafe porto', false],
  ['Café in Lisbon', ' \t', true],
])('the title "%s" is found by "%s": %s', (title, search, isFound) => {
  expect(hasWords(title, search)).toBe(isFound);
});
