/**
 * Time-outs and retries of the SDK's clients. Without a time-out, a request whose response is lost blocks its
 * function until Lambda ends it. Retries are safe: each write of ours recognizes its repetition.
 */

/** 200 times the p99 of these services (16 ms). */
const REQUEST_TIMEOUTS = {
  connectionTimeout: 1000,
  requestTimeout: 3000,
  throwOnRequestTimeout: true,
} as const;

/**
 * For DynamoDB, SQS and Secrets Manager: a throttled call is retried with exponential backoff and jitter, for about
 * eight seconds.
 */
export const SERVICE_TIMEOUTS = { requestHandler: REQUEST_TIMEOUTS, maxAttempts: 6 } as const;

/**
 * For posts to connections: the broadcast retries them itself, in order and within limits that protect the other
 * listeners.
 */
export const POST_TIMEOUTS = { requestHandler: REQUEST_TIMEOUTS } as const;
