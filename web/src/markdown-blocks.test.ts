import fc from 'fast-check';
import { createElement } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { describe, expect, it } from 'vitest';
import { cases } from '../../test/support/sample.ts';
import { Markdown } from './markdown.tsx';
import { blocksOf } from './markdown-blocks.ts';

const html = (texts: readonly string[]): string =>
  texts
    .map((text) => renderToStaticMarkup(createElement(Markdown, { text })))
    .join('\n')
    .replaceAll(/\s*\n\s*/g, '\n')
    .trim();

const PIECES = [
  'Some **bold** words',
  'and more, [a link](https://a.test) and [a name][one]',
  '# A heading',
  'Under\n===',
  '- one',
  '- two\n  - nested',
  '* other',
  '1. first',
  '2. second',
  '   continued',
  '    four spaces',
  '> quoted',
  '> again',
  '```ts\nconst a = 1;\n\nconst b = 2;\n```',
  '- item\n\n  ```\n  code\n  ```',
  '```\nnever closed',
  '~~~\n```\n~~~',
  '| a | b |\n|---|---|\n| 1 | 2 |',
  '---',
  '7',
  '2026. A year',
  '<div>',
  '<pre>a',
  '</pre>',
  '<!-- a comment',
  '-->',
  'With a note[^1]',
  '[^1]: The note',
  '[one]: https://one.test',
  '-',
  '  ',
];

const documents = fc
  .array(fc.tuple(fc.constantFrom(...PIECES), fc.constantFrom('\n', '\n\n', '\n\n\n', '\n \n')), {
    maxLength: 12,
  })
  .map((lines) => lines.flat().join(''));

describe('the blocks of an answer', () => {
  it('show, one by one, what the whole text shows', () => {
    fc.assert(
      fc.property(documents, (text) => {
        expect(html(blocksOf(text))).toBe(html([text]));
      }),
      { numRuns: cases(5000) },
    );
  });

  it('are the text, and those that are complete stay as they are while it grows: none is parsed again', () => {
    const withoutLateMeaning = documents.filter((text) => !/\[one\]:|\[\^1\]:/.test(text));
    fc.assert(
      fc.property(withoutLateMeaning, (text) => {
        const whole = blocksOf(text);
        expect(whole.join('')).toBe(text);
        for (let length = 0; length <= text.length; length++) {
          const complete = blocksOf(text.slice(0, length)).slice(0, -1);
          expect(complete).toEqual(whole.slice(0, complete.length));
        }
      }),
      { numRuns: cases(500) },
    );
  });

  it('find the address of a link by its name, without regard to case and white space, each block by itself', () => {
    const text =
      'Some [words][ONE  Two].\n\nMore [words][one two].\n\nNone.\n\n[One two]: https://one.test\n';
    const blocks = blocksOf(text);
    expect(blocks.length).toBeGreaterThan(2);
    expect(html(blocks)).toBe(html([text]));
    expect(html(blocks.slice(0, 2)).match(/href="https:..one.test"/g)).toHaveLength(2);
  });

  it('are small in a long answer of paragraphs, lists, code and tables', () => {
    const section = `## Title\n\nA paragraph.\n\n- one\n- two\n\n\`\`\`\ncode\n\n\n\ncode\n\`\`\`\n\n| a |\n|---|\n| 1 |\n\n`;
    const blocks = blocksOf(section.repeat(50));
    expect(blocks).toHaveLength(200);
  });
});
