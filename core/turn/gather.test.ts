import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cases } from '../../test/support/sample.ts';
import { anyText, around } from '../../test/support/text.ts';
import type { EventDraft } from '../events/events.ts';
import { Gatherer } from './gather.ts';

/** UTF-16 units of one chunk. */
const MAX = 4096;

const part = fc.oneof(
  anyText({ maxLength: 6 }),
  // At the limit of a chunk, one unit below it and one above, and of several chunks.
  fc.tuple(fc.constantFrom('a', '€', '😀'), fc.constantFrom(...around(MAX), 3 * MAX)).map(([unit, length]) =>
    unit
      .repeat(Math.ceil(length / unit.length))
      .slice(0, length)
      .toWellFormed(),
  ),
);
const parts = fc.array(fc.tuple(fc.constantFrom('chunk' as const, 'thinking' as const), part), {
  maxLength: 8,
});

const textOf = (drafts: readonly EventDraft[], kind: 'chunk' | 'thinking') =>
  drafts.flatMap((draft) => (draft.type === kind ? [draft.content] : [])).join('');

describe('P3: what is gathered between two flushes', () => {
  it('is all there, in its order, in whole characters, each chunk at its offset', () => {
    fc.assert(
      fc.property(parts, fc.nat(9), (all, offset) => {
        const gatherer = new Gatherer();
        for (const [kind, text] of all) gatherer.add(kind, text);
        const drafts = gatherer.drain(offset);
        for (const kind of ['chunk', 'thinking'] as const) {
          const given = all.flatMap(([k, text]) => (k === kind ? [text] : []));
          expect(textOf(drafts, kind)).toBe(given.join(''));
        }
        let at = offset;
        for (const draft of drafts) {
          if (draft.type !== 'chunk' && draft.type !== 'thinking') throw new Error(draft.type);
          expect(draft.content.length).toBeGreaterThan(0);
          expect(draft.content.length).toBeLessThanOrEqual(MAX);
          expect(draft.content.isWellFormed()).toBe(true);
          if (draft.type === 'thinking') continue;
          expect(draft.offset).toBe(at);
          at += draft.content.length;
        }
        expect(gatherer.empty).toBe(true);
        expect(gatherer.drain(at)).toEqual([]);
      }),
      { numRuns: cases(500) },
    );
  });

  it('is one event for each run of the same kind', () => {
    const gatherer = new Gatherer();
    for (const [kind, text] of [
      ['thinking', 'Hm'],
      ['thinking', ', 漢'],
      ['chunk', 'So'],
      ['chunk', ': 😀'],
      ['thinking', 'more'],
    ] as const)
      gatherer.add(kind, text);
    expect(gatherer.drain(7)).toEqual([
      { type: 'thinking', content: 'Hm, 漢' },
      { type: 'chunk', content: 'So: 😀', offset: 7 },
      { type: 'thinking', content: 'more' },
    ]);
  });

  it('waits for the other half of a pair, over a flush as well', () => {
    const gatherer = new Gatherer();
    gatherer.add('chunk', 'a\ud83d');
    expect(gatherer.drain(0)).toEqual([{ type: 'chunk', content: 'a', offset: 0 }]);
    gatherer.add('chunk', '\ude00b');
    expect(gatherer.drain(1)).toEqual([{ type: 'chunk', content: '😀b', offset: 1 }]);
  });

  it('keeps an event at its place, and drops the half of a pair whose other half would come behind it', () => {
    const gatherer = new Gatherer();
    gatherer.add('chunk', 'a\ud83d');
    gatherer.addEvent({ type: 'source', source_id: 's', source_type: 'url' });
    gatherer.add('chunk', '\ude00b');
    const drafts = gatherer.drain(0);
    expect(drafts.map(({ type }) => type)).toEqual(['chunk', 'source', 'chunk']);
    const [first, , last] = drafts;
    expect(first).toEqual({ type: 'chunk', content: 'a', offset: 0 });
    // What is left of it is half a character, which the event's commit makes U+FFFD.
    expect(last).toMatchObject({ type: 'chunk', offset: 1 });
    expect(JSON.stringify(last)).not.toContain('😀');
  });
});
