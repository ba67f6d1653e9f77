import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { anyText } from '../test/support/text.ts';
import { harmless, widthOf, wrap } from './wrap.ts';

const segmenter = new Intl.Segmenter();
const charactersIn = (line: string) => [...segmenter.segment(line)].length;

it('no line is wider than the screen, and no character but white space is lost', () => {
  fc.assert(
    fc.property(
      fc
        .array(fc.oneof(anyText({ maxLength: 6 }), fc.constantFrom('\n', 'long')), { maxLength: 20 })
        .map((all) => harmless(all.join(''))),
      fc.integer({ min: 2, max: 20 }),
      (text, columns) => {
        const lines = wrap(text, columns);
        // One character that is wider than the screen has a line of its own.
        expect(lines.filter((line) => widthOf(line) > columns && charactersIn(line) > 1)).toEqual([]);
        expect(lines.join('').replaceAll(/\s/g, '')).toBe(text.normalize().replaceAll(/\s/g, ''));
      },
    ),
  );
});

it('breaks at spaces', () => {
  expect(wrap('one two three', 8)).toEqual(['one two', 'three']);
  expect(wrap('海海海', 4)).toEqual(['海海', '海']);
});

it('keeps indentation, and the end of the last line', () => {
  expect(wrap('  indented code here', 12)).toEqual(['  indented', 'code here']);
  expect(wrap('one two ', 7)).toEqual(['one two', '']);
  expect(wrap('word ', 8)).toEqual(['word ']);
});

it('counts columns of flags, keycaps and marks that combine', () => {
  expect(['🇩🇪', '1️⃣', '👨‍👩‍👧', '海', 'e\u0301', '\u200b'].map(widthOf)).toEqual([2, 2, 2, 2, 1, 0]);
});

it('text cannot move the cursor', () => {
  expect(harmless('a\u001b[2Jb\r\nc\td\r')).toBe('a\ufffd[2Jb\nc  d\ufffd');
});

it('no character of a control set is shown, be it of C0, C1 or DEL', () => {
  const controls = [...Array(0x20).keys(), ...Array.from({ length: 0x21 }, (_, at) => 0x7f + at)];
  for (const code of controls.filter((one) => one !== 9 && one !== 10))
    expect([code, harmless(`a${String.fromCharCode(code)}b`)]).toEqual([code, 'a\ufffdb']);
  expect(harmless('\u00a0é')).toBe('\u00a0é');
});
