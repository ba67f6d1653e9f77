import fc from 'fast-check';
import { createElement } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { describe, expect, it } from 'vitest';
import { cases } from '../../test/support/sample.ts';
import { Markdown } from './markdown.tsx';
import { blocksOf } from './markdown-blocks.ts';
import { cut } from './markdown-cut.ts';

const html = (text: string): string => renderToStaticMarkup(createElement(Markdown, { text }));

const PIECES = [
  'Some **bold** words',
  'a 😀😀😀😀😀😀😀😀😀😀😀😀',
  '- one',
  '- two\n  - nested',
  '1. first',
  '1. again',
  '   continued',
  '> quoted',
  '```ts\nconst a = 1;\n\nconst b = 2;\n```',
  '- item\n\n  ```\n  code\n  ```',
  '```\nnever closed',
  '| a | b |\n|---|---|\n| 1 | 2 |',
  '| 3 | 4 |',
  '---',
  '7',
  '<div>',
];

const documents = fc
  .array(fc.tuple(fc.constantFrom(...PIECES), fc.constantFrom('\n', '\n\n', ' ')), { maxLength: 12 })
  .map((lines) => lines.flat().join(''));
const limits = fc.integer({ min: 5, max: 60 });

describe('a block that is too long to be parsed with each frame', () => {
  it('is cut into pieces that stay as they are while it grows, all but the last: none is parsed again', () => {
    fc.assert(
      fc.property(documents, limits, (text, limit) => {
        const whole = cut(text, limit);
        for (let length = 0; length <= text.length; length++) {
          const complete = cut(text.slice(0, length), limit).slice(0, -1);
          expect(complete).toEqual(whole.slice(0, complete.length));
        }
      }),
      { numRuns: cases(500) },
    );
  });

  it('does not go on with the head of a table that a blank line has ended', () => {
    const text = '| a | b |\n|---|---|\n| 1 | 2 |\n\n  indented words\nmore of them here\nand more of them';
    for (let limit = 55; limit < text.length; limit++) expect(cut(text, limit).join('')).toBe(text);
  });

  it('is in its pieces whole, each within the limit unless it has code; no character is cut in two', () => {
    const plain = documents.filter((text) => !/^[|1]/m.test(text));
    fc.assert(
      fc.property(plain, limits, (text, limit) => {
        const pieces = cut(text, limit);
        expect(pieces.join('')).toBe(text);
        for (const piece of pieces) {
          expect(piece.isWellFormed()).toBe(true);
          if (!piece.includes('```')) expect(piece.length).toBeLessThanOrEqual(limit);
        }
      }),
      { numRuns: cases(1000) },
    );
  });

  it('of a table: each piece has its head, and the rows are all there', () => {
    const row = (i: number) => `| ${i} | a cell |`;
    const rows = Array.from({ length: 40 }, (_, i) => row(i));
    const pieces = cut(`| n | what |\n|---|---|\n${rows.join('\n')}\n`, 200);
    expect(pieces.length).toBeGreaterThan(2);
    for (const piece of pieces)
      expect(html(piece)).toContain('<thead><tr><th>n</th><th>what</th></tr></thead>');
    expect(pieces.flatMap((piece) => piece.trim().split('\n').slice(2))).toEqual(rows);
  });

  it('of a table with a long head: the head does not count, so that as many rows are in each piece as without it', () => {
    const head = `| ${'a long name '.repeat(14)}|\n|---|\n`;
    const rows = Array.from({ length: 40 }, (_, i) => `| ${String(i).padStart(15)} |\n`);
    const pieces = cut(head + rows.join(''), 200);
    expect(pieces.map((piece) => piece.slice(0, head.length))).toEqual(pieces.map(() => head));
    expect(pieces.map((piece) => piece.slice(head.length)).join('')).toBe(rows.join(''));
    expect(pieces.length).toBeLessThanOrEqual(6);
  });

  it('of a table with a row that has no space: each piece has a part of it', () => {
    const head = '| a b |\n|---|\n';
    const row = `|${'x'.repeat(500)}|\n`;
    const pieces = cut(head + row, 100);
    expect(pieces.join('')).toBe(head + row);
  });

  it('of a numbered list: it goes on counting, also where all items are written as the first', () => {
    const pieces = cut(Array.from({ length: 40 }, (_, i) => `1. item ${i}\n   - nested\n`).join(''), 200);
    expect(pieces.length).toBeGreaterThan(2);
    let items = 0;
    for (const piece of pieces) {
      const shown = html(piece);
      expect(Number(/<ol start="(\d+)">/.exec(shown)?.[1] ?? 1)).toBe(items + 1);
      items += shown.split('item ').length - 1;
    }
    expect(items).toBe(40);
  });

  it('that is code has one piece, and what follows it another', () => {
    const code = `\`\`\`\n${'const a = 1;\n\n'.repeat(40)}\`\`\`\n`;
    expect(cut(code, 50)).toEqual([code]);
    expect(cut(`${code}After it\n`, 50)).toEqual([code, 'After it\n']);
  });
});

const LONG = 120_000;
const LIMIT = 8_000;

describe('the blocks of an answer of 120,000 characters', () => {
  it.each([
    ['a paragraph', 'Some words with **bold** ones and `code`. '],
    ['a list', '- an item, with *emphasis*\n'],
    ['a list with blank lines', '1. an item\n\n   and more\n\n'],
    ['a table', '| first | 1 |\n|---|---|\n'],
    ['a quote', '> some words\n> and more\n'],
    ['HTML', '<div>\nwords\n\nmore\n'],
    ['footnotes', 'Words[^1] and more\n\n[^1]: the note\n'],
    ['text with named links', '# [One][one]\n[one]: https://one.test\n\nWords with [a name][one]\n\n'],
    ['a word', 'x'],
  ])('are of limited size, if it is %s', (_, part) => {
    const longest = Math.max(...blocksOf(part.repeat(LONG / part.length)).map(({ length }) => length));
    expect(longest).toBeLessThan(LIMIT * 1.5);
  });

  it('show its footnotes as they are written', () => {
    const text = `${'Words[^1] and more.\n\n'.repeat(1000)}[^1]: the note\n\n\`\`\`\n[^1]: code\n\`\`\`\n`;
    const blocks = blocksOf(text);
    expect(html(blocks.at(-2) ?? '')).toBe('<p>[^1]: the note</p>');
    expect(html(blocks.at(-1) ?? '')).toContain('>[^1]: code');
  });

  it('are not parsed again for the address of a link that they do not name', () => {
    const text = `${'Some [words] with [a name][one].\n\n'.repeat(1000)}[one]: https://one.test\n`;
    const more = blocksOf(`${text}[two]: https://two.test\n`);
    expect(more.slice(0, -1)).toEqual(blocksOf(text).slice(0, -1));
    expect(html(more[0] ?? '')).toContain('href="https://one.test"');
  });
});
