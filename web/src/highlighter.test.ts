import { createElement } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { describe, expect, it } from 'vitest';
import { highlighted } from './highlighter.ts';

describe('code in colours', () => {
  it('has its parts in classes, where the language is known, and is left as it is where it is not', () => {
    const shown = renderToStaticMarkup(createElement('code', null, highlighted('let a; // é < 😀', 'js')));
    expect(shown).toContain('<span class="hljs-keyword">let</span> a;');
    expect(shown.replaceAll(/<[^>]*>/g, '')).toBe('let a; // é &lt; 😀');
    expect(highlighted('let a;', 'none-such')).toBeUndefined();
  });

  it('is left as it is where its parts are nested so deep that they cannot be shown', () => {
    expect(highlighted('/* 1 */', 'rust')).toBeDefined();
    for (const [language, opening] of [
      ['ruby', '"#{'],
      ['rust', '/*'],
      ['bash', '"$('],
    ] as const)
      expect(highlighted(opening.repeat(10_000 / opening.length), language)).toBeUndefined();
  });
});
