import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { listening, readListening } from './listening.ts';

const state = fc.record({
  join: fc.integer({ min: 0, max: 2 ** 19 }),
  seq: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  isLive: fc.boolean(),
});

describe('what an audience says of a connection', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(state, (one) => {
        expect(readListening(listening(one))).toEqual(one);
      }),
    );
  });

  it('is larger for a later state: of a later join, of a later event, live', () => {
    const order = (a: number, b: number) => Math.sign(a - b);
    fc.assert(
      fc.property(state, state, (a, b) => {
        const expected =
          order(a.join, b.join) || order(a.seq, b.seq) || order(Number(a.isLive), Number(b.isLive));
        expect(order(listening(a), listening(b))).toBe(expected);
      }),
    );
  });

  it('of an earlier version is read as that version meant it', () => {
    expect(readListening(0)).toEqual({ join: 0, seq: 0, isLive: false });
    expect(readListening(1)).toEqual({ join: 0, seq: 0, isLive: true });
  });
});
