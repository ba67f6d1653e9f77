import { describe, expect, test } from 'vitest';
import type { EventDraft } from '../events/events.ts';
import type { VerbatimPart } from '../model.ts';
import { MAX_COMMIT_BYTES } from './leased-turn.ts';
import { areLarge, carrying, verbatimOf } from './verbatim.ts';

const model = { provider: 'p', name: 'thinker' };
const verbatim = (parts: readonly VerbatimPart[], textLength: number, ...ids: string[]) =>
  verbatimOf({ model, parts, textLength, calls: ids.map((id) => ({ id })), paused: false });

describe('a finished call', () => {
  test('P13: names its calls as they are committed, and its model', () => {
    expect(
      verbatim([{ call: 'call_0' }, { opaque: 1 }, { call: 'call_0', meta: 's' }], 0, 'call_0_2', 'call_0_3'),
    ).toEqual({
      model: 'p:thinker',
      parts: [{ call: 'call_0_2' }, { opaque: 1 }, { call: 'call_0_3', meta: 's' }],
    });
  });

  test('P3: whose text lost half a character has one part of text, as long as what was committed', () => {
    const parts = [{ opaque: 1 }, { text: 3, meta: 'm' }, { opaque: 2 }, { text: 2 }];
    expect(verbatim(parts, 5).parts).toEqual(parts);
    expect(verbatim(parts, 4).parts).toEqual([{ opaque: 1 }, { text: 4 }, { opaque: 2 }]);
  });
});

describe('the events of a finished call', () => {
  const drafts: EventDraft[] = [
    { type: 'chunk', content: 'a', offset: 0 },
    { type: 'tool_call', id: 'c1', name: 'look', args: {} },
  ];
  const kept = verbatim([{ opaque: 'thought' }, { text: 1 }, { call: 'c1' }], 1, 'c1');

  test('carry what was thought with the last of them', () => {
    expect(carrying(drafts, kept)).toEqual([drafts[0], { ...drafts[1], verbatim: kept }]);
  });

  test('are an empty piece of thinking if everything was committed before', () => {
    expect(carrying([], kept)).toEqual([{ type: 'thinking', content: '', verbatim: kept }]);
  });

  // An item is limited in bytes, and each of these letters is as many.
  test.each([
    ['x', 1],
    ['é', 2],
    ['€', 3],
    ['😀', 4],
  ])('carry nothing that one item could not hold, in bytes: of %s', (letter, bytes) => {
    const thought = (count: number) => verbatim([{ opaque: letter.repeat(count) }], 0);
    expect(carrying(drafts, thought(200_000 / bytes))).toBeUndefined();
    expect(carrying(drafts, thought(199_000 / bytes))).toHaveLength(2);
  });

  test.each([
    ['x', 1],
    ['é', 2],
    ['€', 3],
    ['😀', 4],
  ])('are large when a commit has no room for them, in bytes: of %s', (letter, bytes) => {
    const of = (count: number): EventDraft[] => [{ type: 'chunk', content: letter.repeat(count), offset: 0 }];
    expect(areLarge(of(MAX_COMMIT_BYTES / bytes))).toBe(true);
    expect(areLarge(of((MAX_COMMIT_BYTES - 1000) / bytes))).toBe(false);
  });
});
