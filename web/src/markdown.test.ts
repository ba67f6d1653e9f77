import { createElement } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { expect, it } from 'vitest';
import { Markdown } from './markdown.tsx';

const html = (text: string): string => renderToStaticMarkup(createElement(Markdown, { text }));
const AWAY = 'target="_blank" rel="noreferrer noopener"';

it('a link of an answer opens elsewhere, and tells nobody where it was followed from', () => {
  expect(html('[here](https://a.test/b)')).toContain(`<a href="https://a.test/b" ${AWAY}>here</a>`);
});

it('a link to a footnote, and the way back, stay in the page', () => {
  const links = html('Words[^1].\n\n[^1]: The note').match(/<a [^>]*>/g) ?? [];
  expect(links).toHaveLength(2);
  for (const link of links) expect(link).not.toContain('target');
});

it('an image of an answer is a link: nothing is fetched before its reader wants it', () => {
  const shown = html('![A moon](https://a.test/b.png) ![](https://a.test/c.png)');
  expect(shown).not.toContain('<img');
  expect(shown).toContain(`<a href="https://a.test/b.png" ${AWAY}>A moon</a>`);
  expect(shown).toContain(`<a href="https://a.test/c.png" ${AWAY}>image</a>`);
});

it('an address that would run in the page is none', () => {
  expect(html('[here](javascript:alert(1)) ![x](javascript:alert(1))')).not.toContain('javascript:');
});

it('the boxes of a list of tasks say what is done, and cannot be changed', () => {
  const boxes = html('- [x] one\n- [ ] two').match(/<input[^>]*>/g);
  expect(boxes?.map((box) => [box.includes('disabled'), /aria-label="([^"]*)"/.exec(box)?.[1]])).toEqual([
    [true, 'Done'],
    [true, 'Not done'],
  ]);
});

it('a block of code names its language, if the model wrote one, and keeps its text', () => {
  const shown = html('```ts\nif (a < b && c) **x**\n```');
  expect(shown).toContain('<p class="code-language">ts</p>');
  expect(shown).toContain('if (a &lt; b &amp;&amp; c) **x**\n');
  expect(html('```\na\n```')).not.toContain('code-language');
});

it('a wide table scrolls, by keyboard too', () => {
  expect(html('| a |\n|---|\n| 1 |')).toMatch(/<div class="table-scroll" tabindex="0"><table>/);
});
