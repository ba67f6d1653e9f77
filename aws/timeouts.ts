/**
 * How long the SDK's clients wait for an answer, and how often they ask. Without limits a request whose answer was lost
 * on the way holds its function until Lambda ends it. A repeat is no harm: each of our writes recognises its own.
 */

/** Two hundred times what a slow answer of these services takes (p99 16 ms). */
const WAITING = { connectionTimeout: 1000, requestTimeout: 3000, throwOnRequestTimeout: true } as const;

/** Table and queues: a throttled call is made again, with a growing, random wait, for eight seconds on average. */
export const SERVICE_PATIENCE = { requestHandler: WAITING, maxAttempts: 6 } as const;

/** Posts: whoever posts repeats them by itself, in order, and for as long as is good for the other listeners. */
export const POST_PATIENCE = { requestHandler: WAITING } as const;
