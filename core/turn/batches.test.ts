import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyText, around, textOfBytes } from '../../test/support/text.ts';
import { batchesBySize } from './batches.ts';

const MAX = 60;
const bytesOf = (value: unknown) => Buffer.byteLength(JSON.stringify(value));
const sum = (batch: readonly unknown[]) => batch.reduce<number>((bytes, value) => bytes + bytesOf(value), 0);

describe('P1 P3: batches by bytes', () => {
  it('hold every value once and in order, each within the limit unless one value alone is longer', () => {
    fc.assert(
      fc.property(fc.array(anyText({ maxLength: 30 })), (values) => {
        const batches = batchesBySize(values, MAX);
        expect(batches.flat()).toEqual(values);
        for (const batch of batches) if (batch.length !== 1) expect(sum(batch)).toBeLessThanOrEqual(MAX);
        // None is begun while there is room in the one before.
        for (const [n, [first]] of batches.entries())
          if (n > 0) expect(sum([...(batches[n - 1] ?? []), first])).toBeGreaterThan(MAX);
      }),
      { numRuns: 500 },
    );
  });

  it.each(['x', 'é', '€', '😀', '"'])('fill up to the limit, to the byte: text of %s', (unit) => {
    const first = unit.repeat(3);
    const sizes = around(MAX).map((limit) => {
      const second = textOfBytes(limit - bytesOf(first) - 2, unit === '"' ? 'x' : unit);
      return batchesBySize([first, second], MAX).length;
    });
    expect(sizes).toEqual([1, 1, 2]);
  });

  it('of nothing are none, and of values that are all too long one each', () => {
    expect(batchesBySize([], MAX)).toEqual([]);
    expect(batchesBySize(['€'.repeat(MAX), '€'.repeat(MAX)], MAX)).toHaveLength(2);
  });
});
