// @vitest-environment happy-dom
import { act } from 'react';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { hookOf } from '../testing/rendered.ts';
import { usePlayed } from './use-played.ts';

const TEXT = 'The moon rises over the hill, and the sea is still. '.repeat(4);

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

/** A text that is shown, and then grows. */
const given = (text = '', growing = true) => {
  const played = hookOf(({ text, growing }) => usePlayed(text, growing), { text, growing });
  return { played, grow: (text: string, growing = true) => played.change({ text, growing }) };
};
const pass = (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms));
const wantsNoMotion = (matches: boolean) =>
  vi.stubGlobal('matchMedia', (query: string) => ({
    matches: matches && query === '(prefers-reduced-motion: reduce)',
  }));

it('a text that is there when it is first rendered is shown whole at once, growing or not', () => {
  for (const growing of [true, false]) {
    const shown: string[] = [];
    hookOf((text: string) => {
      shown.push(usePlayed(text, growing));
    }, TEXT);
    expect(new Set(shown)).toEqual(new Set([TEXT]));
  }
});

it('a text that grows is played out: it is shown evenly, from its beginning to its end, and then nothing is asked for', async () => {
  const { played, grow } = given('The ');
  grow(TEXT);
  expect(played.current).toBe('The ');
  const shown = [];
  while (played.current !== TEXT && shown.length < 100) {
    shown.push(played.current.length);
    await pass(16);
  }
  expect(shown.length).toBeGreaterThan(5);
  expect(shown.length).toBeLessThan(100);
  expect(shown).toEqual(shown.toSorted((a, b) => a - b));
  expect(TEXT.startsWith(played.current)).toBe(true);
  expect(vi.getTimerCount()).toBe(0);
});

it('what is shown changes once in 30 ms at most, since each change parses it anew', async () => {
  const { played, grow } = given();
  grow(TEXT);
  const before = played.renders;
  // Six painted frames.
  for (let frame = 0; frame < 6; frame++) await pass(16);
  expect(played.current.length).toBeGreaterThan(0);
  expect(played.current).not.toBe(TEXT);
  expect(played.renders - before).toBeLessThanOrEqual(4);
});

it.each(['a hidden page', 'a reader who wants no motion'])('is shown whole at once: for %s', (why) => {
  if (why === 'a hidden page') vi.spyOn(document, 'hidden', 'get').mockReturnValue(true);
  else wantsNoMotion(true);
  const { played, grow } = given();
  grow(TEXT.slice(0, 50));
  expect(played.current).toBe(TEXT.slice(0, 50));
  grow(TEXT);
  expect(played.current).toBe(TEXT);
  expect(vi.getTimerCount()).toBe(0);
});

it('the rest of a text that has ended is shown sooner than while more may come', async () => {
  const lengths = [];
  for (const growing of [true, false]) {
    const { played, grow } = given();
    // Two pieces with a long pause between them: the next is expected as late.
    grow(TEXT.slice(0, 40));
    await pass(450);
    grow(TEXT, growing);
    await pass(200);
    lengths.push(played.current.length);
    played.unmount();
  }
  expect(lengths[0]).toBeLessThan(TEXT.length);
  expect(lengths[1]).toBe(TEXT.length);
});

it('a text that is not shown any more asks for no painted frame', async () => {
  const { played, grow } = given();
  grow(TEXT.slice(0, 60));
  grow(TEXT);
  expect(vi.getTimerCount()).toBe(1);
  played.unmount();
  expect(vi.getTimerCount()).toBe(0);
});
