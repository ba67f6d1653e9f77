import { describe, expect, test } from 'vitest';
import { around, textOfBytes } from '../../test/support/text.ts';
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

  test('P13: that names more calls than it made keeps the names of the others, and says that it pauses', () => {
    expect(verbatim([{ call: 'call_0' }, { call: 'call_1' }], 0, 'c1').parts).toEqual([
      { call: 'c1' },
      { call: 'call_1' },
    ]);
    expect(verbatim([], 0)).not.toHaveProperty('paused');
    expect(verbatimOf({ model, parts: [], textLength: 0, calls: [], paused: true })).toMatchObject({
      paused: true,
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

  test('carry what was thought and called, where what its provider’s tools gave is too large', () => {
    const large = 'x'.repeat(200_000);
    const parts: VerbatimPart[] = [
      { opaque: 'thought' },
      { opaque: large, of: 'result', id: 'p' },
      { opaque: large, of: 'file' },
      { text: 1 },
      { call: 'c1' },
    ];
    expect(carrying(drafts, verbatim(parts, 1, 'c1'))).toEqual([drafts[0], { ...drafts[1], verbatim: kept }]);
  });

  // An item is limited in bytes, and each of these letters is as many.
  test.each(['x', 'é', '€', '😀'])(
    'carry nothing that one item could not hold, in bytes: of %s',
    (letter) => {
      const thought = (text: string) => verbatim([{ opaque: text }], 0);
      const room = 200_000 - Buffer.byteLength(JSON.stringify({ ...drafts[1], verbatim: thought('') }));
      const carried = around(room).map(
        (size) => carrying(drafts, thought(textOfBytes(size, letter)))?.length,
      );
      expect(carried).toEqual([2, 2, undefined]);
    },
  );

  test.each(['x', 'é', '€', '😀'])(
    'are large when a commit has no room for them, in bytes: of %s',
    (letter) => {
      const of = (content: string): EventDraft[] => [{ type: 'chunk', content, offset: 0 }];
      const room = MAX_COMMIT_BYTES - Buffer.byteLength(JSON.stringify(of('')[0]));
      const large = around(room).map((size) => areLarge(of(textOfBytes(size, letter))));
      expect(large).toEqual([false, false, true]);
    },
  );
});
