// @vitest-environment happy-dom
import { act, createElement } from 'react';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { rendered, unmountAll } from '../testing/rendered.ts';
import { Formula } from './formula.tsx';
import { Prose } from './prose.tsx';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  unmountAll();
  vi.runAllTimers();
  vi.useRealTimers();
});

/** A painted frame. */
const frame = () => act(() => vi.advanceTimersByTimeAsync(16));
const prose = (text: string, growing = false) => createElement(Prose, { text, growing });
/** So many paragraphs of 1,000 characters, each with its end. */
const paragraphs = (count: number) =>
  Array.from({ length: count }, (_, n) => `p${n} `.padEnd(998, 'x')).join('\n\n');

describe('the text of an answer', () => {
  it('is shown by 4,000 characters with each painted frame, from its beginning, and then nothing is asked for', async () => {
    const { root } = rendered(prose(paragraphs(10)));
    const seen = [];
    for (let n = 0; n < 4; n++) {
      seen.push(root.querySelectorAll('p').length);
      await frame();
    }
    expect(seen).toEqual([4, 8, 10, 10]);
    expect([...root.querySelectorAll('p')].map(({ textContent }) => textContent?.split(' ')[0])).toEqual(
      Array.from({ length: 10 }, (_, n) => `p${n}`),
    );
    expect(vi.getTimerCount()).toBe(0);
  });

  it('has at least its first block at once, however long it is', async () => {
    const { root } = rendered(prose(`${'x'.repeat(6000)}\n\nand more`));
    expect(root.querySelectorAll('p')).toHaveLength(1);
    await frame();
    await frame();
    expect(root.querySelectorAll('p')).toHaveLength(2);
  });

  it('that is not shown any more takes no painted frame', () => {
    const { unmount } = rendered(prose(paragraphs(10)));
    unmount();
    vi.runAllTimers();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('closes what is open while it grows, and shows all as it is written at its end', async () => {
    const { root, render } = rendered(prose('One **two', true));
    const shown = () => [
      root.querySelector('strong')?.textContent,
      root.querySelector('.is-streaming') !== null,
    ];
    expect(shown()).toEqual(['two', true]);
    expect(root.textContent?.trim()).toBe('One two');
    render(prose('One **two'));
    await frame();
    expect(shown()).toEqual([undefined, false]);
    expect(root.textContent?.trim()).toBe('One **two');
  });
});

describe('a formula', () => {
  const given = (isBlock: boolean) => {
    const asked: [string, boolean][] = [];
    const formulas = {
      renderFormula(tex: string, element: HTMLElement, displayMode: boolean) {
        asked.push([tex, displayMode]);
        if (tex.includes('broken')) return false;
        element.textContent = `<${tex}>`;
        return true;
      },
    } as unknown as Parameters<typeof Formula>[0]['formulas'];
    const node = (tex: string) => createElement(Formula, { tex, isBlock, formulas });
    return { asked, node };
  };

  it.each([
    [true, 'div.formula-block'],
    [false, 'span.formula'],
  ])('as a block (%s) is in its place, also another one after it', (isBlock, selector) => {
    const { asked, node } = given(isBlock);
    const { root, render } = rendered(node('a'));
    expect([root.querySelector(selector)?.textContent, root.textContent]).toEqual(['<a>', '<a>']);
    render(node('b'));
    expect(root.textContent).toBe('<b>');
    expect(asked).toEqual([
      ['a', isBlock],
      ['b', isBlock],
    ]);
  });

  it('that is none is shown as it is written, and asked for once; the next one is a formula again', () => {
    const { asked, node } = given(false);
    const { root, render } = rendered(node('broken'));
    expect([root.querySelector('code')?.textContent, root.querySelector('.formula')]).toEqual([
      'broken',
      null,
    ]);
    render(node('broken'));
    expect(asked).toHaveLength(1);
    render(node('b'));
    expect([root.querySelector('code'), root.textContent]).toEqual([null, '<b>']);
  });
});
