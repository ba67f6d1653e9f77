import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TurnEvent } from './events.ts';
import { decodeEvents, encodeEvents, seqOf } from './events.ts';

const draft = fc.oneof(
  fc.record({ type: fc.constant('chunk' as const), content: fc.string(), offset: fc.nat() }),
  fc.record({ type: fc.constant('thinking' as const), content: fc.string() }),
  fc.record({
    type: fc.constant('tool_call' as const),
    id: fc.string(),
    name: fc.string(),
    args: fc.jsonValue(),
  }),
  fc.record({ type: fc.constant('aborted' as const), by: fc.string(), first: fc.nat() }),
);
/** Of two turns, in any order, so that the turn changes here and there. */
const events = fc
  .array(fc.tuple(draft, fc.constantFrom('one', 'two')))
  .map((list) => list.map(([event, turn], at): TurnEvent => ({ ...event, turn, seq: at + 1 }) as TurnEvent));
/** What JSON makes of it: it knows no negative zero. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe('events as an item holds them', () => {
  it('are the same when they are read again', () => {
    fc.assert(
      fc.property(events, (list) => {
        const texts = encodeEvents(list);
        expect(decodeEvents(texts)).toEqual(plain(list));
        expect(texts.map(seqOf)).toEqual(list.map(({ seq }) => seq));
      }),
    );
  });

  it('a later part of them, written anew, is whole by itself; and what is added by itself says whose it is', () => {
    fc.assert(
      fc.property(events, fc.nat(), (list, n) => {
        const at = n % (list.length + 1);
        const [before, after] = [list.slice(0, at), list.slice(at)];
        expect(decodeEvents(encodeEvents(after))).toEqual(plain(after));
        expect(decodeEvents([...encodeEvents(before), ...encodeEvents(after)])).toEqual(plain(list));
      }),
    );
  });

  it('a chunk is little longer than its text', () => {
    const chunk: TurnEvent = {
      type: 'chunk',
      seq: 1234,
      turn: 'a turn of some length',
      content: 'words',
      offset: 100,
    };
    const [, next = ''] = encodeEvents([chunk, { ...chunk, seq: 1235, offset: 105 }]);
    expect(next).toBe('[1235,"words",105]');
  });
});
