import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { harmless, widthOf, wrap } from './wrap.ts';

it('no line is wider than the screen, and no character but spaces at breaks is lost', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('a', 'ß', ' ', '海', '🌊', '🇩🇪', '\n', 'long'), maxLength: 80 }),
      fc.integer({ min: 2, max: 20 }),
      (text, columns) => {
        const lines = wrap(text, columns);
        expect(lines.filter((line) => widthOf(line) > columns)).toEqual([]);
        expect(lines.join('').replaceAll(' ', '')).toBe(text.replaceAll(/[ \n]/g, ''));
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
