import fc from 'fast-check';
import { createElement } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { describe, expect, it } from 'vitest';
import { Markdown } from './markdown.tsx';
import { blocksOf } from './markdown-blocks.ts';
import { endOfMarks, flattened, MAX_MARKS } from './markdown-bounds.ts';

/** What the page shows: each block is parsed alone. */
const shownOf = (text: string): string[] =>
  blocksOf(text).map((block) => renderToStaticMarkup(createElement(Markdown, { text: block })));

const marksIn = (text: string): number => text.match(/[*_~]+|\[/g)?.length ?? 0;

describe('text that a model, or somebody through it, wrote to stop the page', () => {
  it.each([
    ['quotes', '> '],
    ['quotes without spaces', '>'],
    ['lists', '- '],
    ['numbered lists', '1. '],
    ['both', '> 1) + '],
  ])('4,000 %s in each other are shown, the inner ones as they are written', (_, mark) => {
    const shown = shownOf(`${mark.repeat(4_000)}the end`);
    expect(shown.join('')).toContain('the end');
    for (const block of shown) {
      expect(block.match(/<(?:blockquote|ul|ol)/g)?.length ?? 0).toBeLessThanOrEqual(20);
    }
  });

  it.each(['~a', '*a', '**a', '_a ', '*_', '*a_', '[a', '![', '~~a', '[a](b) *c'])(
    '4,000 of %s are parsed in pieces, none of which has more marks than a parser compares fast',
    (unit) => {
      const text = unit.repeat(4_000);
      for (const before of ['', '[^1]: a note\n\n', '[name]: https://a.test\nand ']) {
        const blocks = blocksOf(before + text);
        for (const block of blocks) expect(marksIn(block)).toBeLessThanOrEqual(MAX_MARKS + 1);
      }
      expect(blocksOf(text).join('')).toBe(text);
    },
  );

  it('any mixture of marks has only pieces with few of them', () => {
    const units = fc.constantFrom('*', '**', '_', '~', '[', ']', '(', ' ', 'a', '\n', '> ', '- ', '|', '`');
    fc.assert(
      fc.property(fc.array(units, { minLength: 2_000, maxLength: 4_000 }), (parts) => {
        // Code has no marks to compare.
        for (const block of blocksOf(parts.join('')))
          if (!/`{3}|~{3}/.test(block)) expect(marksIn(block)).toBeLessThanOrEqual(MAX_MARKS + 1);
      }),
      { numRuns: 30 },
    );
  });
});

describe('text that somebody reads', () => {
  it.each([
    '> > > three quotes',
    `${'  '.repeat(8)}- an item of the eighth level`,
    `${'* '.repeat(30)}`,
    `\`\`\`\n${'> '.repeat(30)}code\n\`\`\``,
    `${'> '.repeat(20)}twenty`,
  ])('stays as it is: %j', (text) => {
    expect(flattened(text)).toBe(text);
  });

  it('may have hundreds of marks in a paragraph', () => {
    const marks = '*word* '.repeat(MAX_MARKS / 2);
    expect(endOfMarks(marks, 0)).toBe(Number.POSITIVE_INFINITY);
    // Counted from a position on: what stands before it is the head of a table.
    const head = '| *a* |\n|---|\n';
    expect(endOfMarks(`${head}${marks}`, head.length)).toBe(Number.POSITIVE_INFINITY);
    expect(endOfMarks(`${head}${marks}*`, head.length)).toBe(head.length + marks.length);
  });
});
