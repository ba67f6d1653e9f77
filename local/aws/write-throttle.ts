/**
 * DynamoDB's limit on the writes of one partition: 1,000 write units a second, in both capacity modes. Source: "Key
 * range throughput exceeded (hot partitions)", DynamoDB developer guide.
 *
 * A partition here is one value of the partition key: DynamoDB isolates a key that is written often.
 */
export interface WriteThrottle {
  /** Whether a write to this partition is allowed now. */
  admits(partition: string): boolean;
  /** Counts a write that was made. A write that fails its condition costs units, too. */
  spend(partition: string, units: number): void;
  /** How many writes were refused. */
  readonly refused: number;
}

/** @param now a clock in milliseconds */
export function createWriteThrottle(unitsPerSecond: number, now = () => performance.now()): WriteThrottle {
  /** Units that are left, which are negative after a large write, and the time for which they were computed. */
  const buckets = new Map<string, { left: number; at: number }>();
  let refused = 0;
  const leftOf = (partition: string) => {
    const bucket = buckets.get(partition);
    if (!bucket) return unitsPerSecond;
    const refilled = bucket.left + ((now() - bucket.at) / 1000) * unitsPerSecond;
    return Math.min(unitsPerSecond, refilled);
  };
  return {
    admits(partition) {
      const admitted = leftOf(partition) > 0;
      if (!admitted) refused += 1;
      return admitted;
    },
    get refused() {
      return refused;
    },
    spend(partition, units) {
      buckets.set(partition, { left: leftOf(partition) - units, at: now() });
    },
  };
}
