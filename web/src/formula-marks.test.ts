import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openFormula, withFormulas } from './formula-marks.ts';

describe('formulas as models write them', () => {
  it.each([
    ['in a line', 'So \\(a+b\\) holds.', 'So $$a+b$$ holds.'],
    ['with dollars', 'So $x_1$, and $2^n$.', 'So $$x_1$$, and $$2^n$$.'],
    ['in lines of its own', 'So\n\n\\[\na\n\\]\n\nthen', 'So\n\n$$\na\n$$\n\nthen'],
    ['in one line of its own', 'So\n\n\\[ a \\]', 'So\n\n$$\na\n$$'],
    ['with two dollars in a line of its own', '$$a$$', '$$\na\n$$'],
    ['in a list', '- so\n  \\[ a \\]\n1. $$b$$', '- so\n  $$\n  a\n  $$\n1. $$\n   b\n   $$'],
    ['in a quote', '> \\[ a \\]', '> $$\n> a\n> $$'],
    ['of a block within a line', 'So \\[ a\n= b \\] then', 'So $$a = b$$ then'],
    ['around code', 'if $z$:\n~~~\n$x$\n~~~\nso $y$', 'if $$z$$:\n~~~\n$x$\n~~~\nso $$y$$'],
    ['with a dollar in it', '$5\\$ x$', '$$5\\$ x$$'],
  ])('%s', (_, written, parsed) => {
    expect(withFormulas(written)).toBe(parsed);
  });

  it.each([
    'It costs $5 and $6, or 7$ and 8$.',
    'From $5k and 10$ on.',
    'US$5 and US$6',
    'Set $HOME and $PATH, or $HOME/$PATH.',
    'a `$x$` and ``\\(y\\) ` `` here',
    '```\n$x$ \\(y\\)\n```\n',
    '> ~~~\n> $x$\n> ~~~',
    'Not \\$x$ or \\\\(y)',
    'A$b$ and $c$d and 2$e$',
    'an \\(open one',
    'a \\[b\n\nc\\]',
    '$$ $$ and \\(\\)',
  ])('are none: %s', (text) => {
    expect(withFormulas(text)).toBe(text);
  });

  it('that are open are held back, but not for ever', () => {
    expect(openFormula('So \\(a+')).toBe(3);
    expect(openFormula('So $$a')).toBe(3);
    expect(openFormula('So $a')).toBe(3);
    expect(openFormula('So $x$ and \\[')).toBe(11);
    expect(openFormula('It costs $5 and')).toBeUndefined();
    expect(openFormula(`Set $${'A'.repeat(60)}`)).toBeUndefined();
    expect(openFormula(`So \\(${'a'.repeat(300)}`)).toBeUndefined();
    expect(openFormula('So `\\(')).toBe(4);
    expect(openFormula('a \\(b\n\nc')).toBeUndefined();
  });

  it.each([
    ['\\(', '\\)', 298],
    ['$', '$', 299],
    ['\\[', '\\]', 1998],
  ])('between %s and %s have at most %i characters', (opening, closing, most) => {
    const written = (length: number) => `So ${opening}${'a'.repeat(length)}${closing} holds.`;
    expect(withFormulas(written(most))).toBe(`So $$${'a'.repeat(most)}$$ holds.`);
    expect(withFormulas(written(most + 1))).toBe(written(most + 1));
  });

  it.each([
    ['\\(', 300],
    ['$', 60],
    ['\\[', 2000],
    ['$$', 2000],
  ])('that begin with %s are held back up to their character %i', (opening, limit) => {
    const open = (length: number) => openFormula(`So ${opening}${'a'.repeat(length)}`);
    expect([open(limit - 1), open(limit)]).toEqual([3, undefined]);
  });

  it('text without a mark of a formula stays as it is, and no text is lost', () => {
    const piece = fc.constantFrom(
      '$',
      '$$',
      '\\(',
      '\\)',
      '\\[',
      '\\]',
      '`',
      '```\n',
      '\n',
      '\n\n',
      'a',
      ' ',
      '5',
      '- ',
      '> ',
      '\\',
    );
    const letters = (text: string): string => text.replace(/[^a5`]/g, '');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const text = pieces.join('');
        expect(letters(withFormulas(text))).toBe(letters(text));
      }),
      { numRuns: 2000 },
    );
  });

  it('takes a time that grows with the text, whatever marks it is made of', () => {
    for (const mark of ['\\(', '\\[', '$$', '$a', '$', '`$', '`', '``$`']) withFormulas(mark.repeat(20_000));
  });
});
