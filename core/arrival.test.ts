import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { epochMs } from '../config/units.ts';
import { arrivalWait, inOrderOfArrival } from './arrival.ts';
import { asLaneId, asTurnId } from './ids.ts';
import type { Lane, PendingMessage } from './store/items.ts';

const message = (
  at: number,
  rest: Partial<Pick<PendingMessage, 'order' | 'now' | 'from'>> = {},
): PendingMessage => ({
  content: 'text',
  turn: asTurnId('turn'),
  at: epochMs(at),
  ...rest,
});
const inbox = (messages: Record<string, PendingMessage>): Lane['inbox'] => messages;
const orderOf = (messages: Record<string, PendingMessage>) =>
  inOrderOfArrival(inbox(messages)).map(({ id }) => id);
const THEIR_LANE = asLaneId('their lane');

describe('P6: the order of arrival', () => {
  it('is that of the client’s own count, whatever came first', () => {
    expect(orderOf({ a: message(3, { order: 1 }), b: message(1, { order: 2 }) })).toEqual(['a', 'b']);
  });

  it('without a count is that of time, then of the numbers in ids', () => {
    expect(orderOf({ m10: message(1), m9: message(1), m1: message(2) })).toEqual(['m9', 'm10', 'm1']);
  });

  it('does not compare the counts of different devices', () => {
    const messages = {
      mine: message(1, { order: 70 }),
      theirs: message(2, { order: 1, from: THEIR_LANE }),
    };
    expect(orderOf(messages)).toEqual(['mine', 'theirs']);
  });

  it('of several devices keeps each one’s own, and is the same whatever the order of writing', () => {
    const arbitrary = fc.array(
      fc.record({
        at: fc.nat(20),
        from: fc.constantFrom(undefined, asLaneId('l1'), asLaneId('l2')),
        order: fc.nat(30),
      }),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(arbitrary, fc.boolean(), (list, counted) => {
        const entries = list.map(({ at, from, order }, n): [string, PendingMessage] => [
          `m${n}`,
          message(at, { ...(from && { from }), ...(counted && { order: order * 100 + n }) }),
        ]);
        const ordered = inOrderOfArrival(Object.fromEntries(entries));
        expect(orderOf(Object.fromEntries(entries.toReversed()))).toEqual(ordered.map(({ id }) => id));
        for (const [i, later] of ordered.entries()) {
          for (const earlier of ordered.slice(0, i)) {
            if (earlier.from !== later.from) continue;
            if (counted) expect(earlier.order).toBeLessThan(later.order ?? -1);
            else expect(earlier.at).toBeLessThanOrEqual(later.at);
          }
        }
      }),
    );
  });
});

describe('a boundary waits', () => {
  const now = epochMs(1000);

  it('for a hole in the count of the lane’s own client', () => {
    expect(
      arrivalWait({ inbox: inbox({ a: message(now, { order: 3 }) }), lastOrder: 1 }, now),
    ).toBeGreaterThan(0);
    expect(arrivalWait({ inbox: inbox({ a: message(now, { order: 2 }) }), lastOrder: 1 }, now)).toBe(0);
  });

  it('for a hole among the messages of another device, not for what that counted elsewhere', () => {
    const from = THEIR_LANE;
    expect(arrivalWait({ inbox: inbox({ a: message(now, { order: 7, from }) }) }, now)).toBe(0);
    const holed = { a: message(now, { order: 7, from }), b: message(now, { order: 9, from }) };
    expect(arrivalWait({ inbox: inbox(holed) }, now)).toBeGreaterThan(0);
  });

  it('not because two devices speak at once', () => {
    expect(
      arrivalWait({ inbox: inbox({ a: message(now), b: message(now, { from: THEIR_LANE }) }) }, now),
    ).toBe(0);
    expect(arrivalWait({ inbox: inbox({ a: message(now), b: message(now) }) }, now)).toBeGreaterThan(0);
  });
});
