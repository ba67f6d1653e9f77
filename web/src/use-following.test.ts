// @vitest-environment happy-dom
import { act, createElement } from 'react';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { rendered } from '../testing/rendered.ts';
import { useFollowing } from './use-following.ts';

/** What the browser tells of a size that changes without new content. */
const observers = new Set<() => void>();

beforeEach(() => {
  observers.clear();
  vi.stubGlobal(
    'ResizeObserver',
    class {
      readonly #told: () => void;
      constructor(told: () => void) {
        this.#told = told;
      }
      observe = () => void observers.add(this.#told);
      disconnect = () => void observers.delete(this.#told);
    },
  );
});
afterEach(() => {
  vi.unstubAllGlobals();
});

interface Shown {
  /** Of the whole conversation, in pixels. */
  height: number;
  firstKey?: string | undefined;
  ownMessages?: number;
}
/** The view is 100 px high. */
const VIEW = 100;

/** A conversation in a view, whose sizes the test sets. */
function given(first: Shown = { height: 1000, firstKey: 'a' }) {
  let now: Shown = first;
  let top = 0;
  let view: ReturnType<typeof useFollowing> | undefined;
  function Probe(shown: Shown) {
    view = useFollowing(shown, shown.firstKey, shown.ownMessages ?? 0);
    return createElement('section', {
      // Before the hook's own effects, as the layout of a browser.
      ref(element: HTMLElement | null) {
        if (view) view.scroller.current = element;
        if (!element) return;
        Object.defineProperties(element, {
          scrollHeight: { configurable: true, get: () => now.height },
          clientHeight: { configurable: true, get: () => VIEW },
          scrollTop: {
            configurable: true,
            get: () => top,
            set: (to: number) => {
              top = Math.max(0, Math.min(to, now.height - VIEW));
            },
          },
        });
      },
    });
  }
  const { root, render, unmount } = rendered(createElement(Probe, first));
  const scrolled = () => root.firstElementChild?.dispatchEvent(new Event('scroll'));
  return {
    /** Pixels between what is seen last and the end. */
    fromEnd: () => now.height - top - VIEW,
    get top() {
      return top;
    },
    get view() {
      return view;
    },
    show(next: Shown) {
      now = next;
      render(createElement(Probe, next));
    },
    /** The reader scrolls to so many pixels from the end. */
    scrollTo(fromEnd: number) {
      top = now.height - VIEW - fromEnd;
      act(() => void scrolled());
    },
    /** A size changes, and no content. */
    resize(height: number) {
      now = { ...now, height };
      act(() => {
        for (const told of observers) told();
      });
    },
    unmount,
    element: () => root.firstElementChild,
  };
}

it('opens at its end, and follows what is added while the reader is there or up to 79 px above', () => {
  const chat = given();
  expect(chat.fromEnd()).toBe(0);
  chat.scrollTo(79);
  chat.show({ height: 1300, firstKey: 'a' });
  expect([chat.fromEnd(), chat.view?.follows, chat.view?.hasNew]).toEqual([0, true, false]);
});

it('an empty conversation is read from its top, though it is higher than the view', () => {
  const chat = given({ height: 400 });
  chat.resize(500);
  expect(chat.top).toBe(0);
});

it('stays where the reader has scrolled, and says that there is more below only when something is added there', () => {
  const chat = given();
  chat.scrollTo(80);
  expect([chat.view?.follows, chat.view?.hasNew]).toEqual([false, false]);
  chat.show({ height: 1300, firstKey: 'a' });
  expect([chat.top, chat.view?.hasNew]).toEqual([820, true]);
  chat.scrollTo(0);
  expect([chat.view?.follows, chat.view?.hasNew]).toEqual([true, false]);
  chat.scrollTo(500);
  expect(chat.view?.hasNew).toBe(false);
});

it('what is added above leaves what is read where it is, and is not new below; also after a size has changed', () => {
  const chat = given();
  chat.scrollTo(500);
  chat.resize(1100);
  const before = chat.fromEnd();
  chat.show({ height: 1900, firstKey: 'earlier' });
  expect([chat.fromEnd(), chat.view?.hasNew]).toEqual([before, false]);
  chat.show({ height: 1950, firstKey: 'earlier' });
  expect([chat.fromEnd(), chat.view?.hasNew]).toEqual([before + 50, true]);
  // Before the browser tells of the new size.
  chat.show({ height: 2950, firstKey: 'the first' });
  expect(chat.fromEnd()).toBe(before + 50);
});

it('keeps the end in view when a size changes, unless the reader has scrolled away', () => {
  const chat = given();
  chat.resize(1200);
  expect(chat.fromEnd()).toBe(0);
  chat.scrollTo(300);
  chat.resize(1400);
  expect(chat.fromEnd()).toBe(500);
});

it('goes to the end where the reader asks for it, or sends a message, and follows again', () => {
  for (const by of ['the button', 'a message']) {
    const chat = given({ height: 1000, firstKey: 'a', ownMessages: 1 });
    chat.scrollTo(500);
    chat.show({ height: 1100, firstKey: 'a', ownMessages: 1 });
    expect(chat.view?.hasNew).toBe(true);
    if (by === 'the button') act(() => chat.view?.toEnd());
    else chat.show({ height: 1150, firstKey: 'a', ownMessages: 2 });
    expect([chat.fromEnd(), chat.view?.follows, chat.view?.hasNew]).toEqual([0, true, false]);
    chat.show({ height: 1300, firstKey: 'a', ownMessages: 2 });
    expect(chat.fromEnd()).toBe(0);
  }
});

it('a message that is taken in, and waits no more, moves nothing', () => {
  const chat = given({ height: 900, firstKey: 'a', ownMessages: 0 });
  chat.show({ height: 1000, firstKey: 'a', ownMessages: 2 });
  chat.scrollTo(500);
  chat.show({ height: 1000, firstKey: 'a', ownMessages: 1 });
  expect(chat.fromEnd()).toBe(500);
});

it('listens to nothing after it was left', () => {
  const chat = given();
  const element = chat.element();
  const left = vi.spyOn(element ?? document.body, 'removeEventListener');
  expect(observers.size).toBe(1);
  chat.unmount();
  expect(observers.size).toBe(0);
  expect(left.mock.calls.map(([type]) => type)).toContain('scroll');
});
