import { createElement } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { describe, expect, it } from 'vitest';
import { formulas, Markdown } from './markdown.tsx';
import { steady } from './streaming-markdown.ts';

await formulas.load();

const html = (text: string): string => renderToStaticMarkup(createElement(Markdown, { text }));

/** The words that a reader sees, without blanks: layout is another matter. */
const words = (text: string): string => html(text).replace(/<[^>]*>|\s/g, '');

const tags = (text: string): string[] => [...html(text).matchAll(/<(\w+)/g)].map(([, tag = '']) => tag);

const DOCUMENTS: Record<string, string> = {
  emphasis: 'Some **bold words**, *soft words*, ***both***, ~~gone~~ and `code` to the end.',
  'emphasis in emphasis': 'An **outer *inner* outer** word, and *outer **inner** outer*.',
  'code with stars': 'Write `a ** b` or ``a ` b`` as you like.',
  'a product': 'That is 3 * 4 = 12, and 2 * 3 * 4 = 24.',
  headings: '# One\n\nText\n\n## Two\n\nMore text\n',
  lists: 'Before\n\n- one\n- two **bold**\n  - nested\n\n1. first\n2. second\n\nAfter',
  'a list after a line': 'Before\n- one\n- two',
  tasks: '- [x] done\n- [ ] not done',
  'a table': 'Before\n\n| a | b |\n|---|---|\n| 1 | **2** |\n\nAfter',
  'code in a fence': 'Before\n\n```ts\nconst a = `b` ** 2;\n\n| no | table |\n```\n\nAfter *it*',
  'a fence in a list': '- one\n\n  ```\n  code\n  ```\n\n- two',
  links: 'See [the page](https://example.org/a) and ![a picture](https://example.org/b.png), or [1] none.',
  quotes: '> Said *once*\n> and again\n\nThen',
  'a rule': 'One\n\n---\n\nTwo\n\n***\n\nThree',
  formulas:
    'Let $a*b*c$ and \\(x_1\\) be.\n\n\\[\n\\frac{a}{b}\n\\]\n\n- so $$c$$\n\nIt costs $5 and $6, in `$x$`.',
  'three marks in each other': 'A ~~struck **bold *soft words* again** and on~~ here.',
  'a mark after white space': 'Some *words * and more* here.',
  'emphasis over a link': 'An *outer [li*nk](https://example.org/a) end* here.',
  'a fence with the beginning of another': 'Before\n\n```\n``` js *a\n\n- b\n```\n\nAfter *it*',
  escapes: 'Not \\*soft\\* at all',
};

describe('an answer that is being written', () => {
  it.each(Object.keys(DOCUMENTS))('shows at each moment the beginning of what it will show: %s', (name) => {
    const document = DOCUMENTS[name] ?? '';
    const whole = words(document);
    for (let length = 0; length <= document.length; length++) {
      const shown = words(steady(document.slice(0, length)));
      expect(whole.startsWith(shown), `“${shown}” after “${document.slice(0, length)}”`).toBe(true);
    }
  });

  it.each(Object.keys(DOCUMENTS))('never turns one element into another: %s', (name) => {
    const document = DOCUMENTS[name] ?? '';
    const whole = tags(document).filter((tag) => tag !== 'p');
    for (let length = 0; length <= document.length; length++) {
      const shown = tags(steady(document.slice(0, length))).filter((tag) => tag !== 'p');
      expect(whole.slice(0, shown.length), `after “${document.slice(0, length)}”`).toEqual(shown);
    }
  });

  it('takes a time that grows with the text, whatever marks it is made of: the page waits for it with each frame', () => {
    // Half a minute for a quarter of this, if each mark were compared with each.
    for (const mark of ['[', '![', '[a', '*a ', '**a', '`a ``', '[a](']) {
      const text = mark.repeat(40_000);
      expect(text.startsWith(steady(text).slice(0, 1000))).toBe(true);
    }
  });

  it('holds back no more than the line, or the head of a table, that is open', () => {
    expect(steady('One **two')).toBe('One **two**');
    expect(steady('One\n-')).toBe('One\n');
    expect(steady('One\n\n| a | b |\n|--')).toBe('One\n\n');
    expect(steady('One [two](https://exam')).toBe('One ');
    expect(steady('plain text')).toBe('plain text');
    // What may be the text of a link is held back up to its 119th character.
    expect(steady(`One [${'a'.repeat(118)}`)).toBe('One ');
    expect(steady(`One [${'a'.repeat(119)}`)).toBe(`One [${'a'.repeat(119)}`);
  });
});
