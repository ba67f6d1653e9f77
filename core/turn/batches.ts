/**
 * Splits values into batches whose JSON has at most so many bytes together. A longer value is a batch of its own.
 *
 * @example
 * batchesBySize(['a', 'b', 'cccc'], 6); // [['a', 'b'], ['cccc']]
 */
export function batchesBySize<V>(values: readonly V[], maxBytes: number): V[][] {
  const batches: V[][] = [];
  let size = Number.POSITIVE_INFINITY;
  for (const value of values) {
    const bytes = Buffer.byteLength(JSON.stringify(value));
    const batch = batches.at(-1);
    if (batch && size + bytes <= maxBytes) {
      batch.push(value);
      size += bytes;
    } else {
      batches.push([value]);
      size = bytes;
    }
  }
  return batches;
}
