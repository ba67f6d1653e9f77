import { describe, expect, it } from 'vitest';
import { bytesPerTurn, measureMemory } from './environment.ts';
import { countTurn, FAST_MS } from './growth.ts';
import { saying } from './turns.ts';

/** Calls are counted, not timed: the same on every machine. */

const SHORT = saying(100, FAST_MS);

describe('the cost of a turn', () => {
  it('does not grow with a transcript that is longer than a prompt may be', async () => {
    const long = await countTurn({ entries: 3000, script: SHORT });
    const longer = await countTurn({ entries: 6000, script: SHORT });
    expect(longer.calls).toBe(long.calls);
    // The entries' numbers are longer, that is all.
    expect(longer.bytes / long.bytes).toBeLessThan(1.01);
  });

  it('grows in proportion to the answer', async () => {
    const [one, two, four] = await Promise.all(
      [2000, 4000, 8000].map((tokens) => countTurn({ script: saying(tokens, FAST_MS) })),
    );
    if (!one || !two || !four) throw new Error('not counted');
    // Twice the words, twice the rest: what is the same for each turn is in none of the differences.
    expect((four.calls - two.calls) / (two.calls - one.calls)).toBeCloseTo(2, 1);
    expect((four.bytes - two.bytes) / (two.bytes - one.bytes)).toBeCloseTo(2, 1);
  });

  it('grows in proportion to the messages that steer it', async () => {
    const [few, many, full] = await Promise.all(
      [16, 32, 63].map((steerings) => countTurn({ script: saying(100, 10), steerings })),
    );
    if (!few || !many || !full) throw new Error('not counted');
    // Of each: its frame's five, its fate at the boundary and afterwards, its entry; and now and then a spill. Beyond 1 KB in
    // the inbox its content is an item of its own, which is put, read and removed, and the lane is read once more.
    expect((many.calls - few.calls) / 16).toBeLessThan(15);
    expect((full.calls - many.calls) / 31).toBeLessThan(15);
  });
});

it('an environment does not grow with the turns that it runs', async () => {
  await measureMemory(500, 1);
  const left = bytesPerTurn(await measureMemory(1000, 5));
  // One event that is kept is some hundred bytes, a turn has twenty.
  expect(left).toBeLessThan(1000);
});
