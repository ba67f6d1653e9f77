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

/** For S3: the first byte of a file. Its last one comes when it comes. */
export const FILE_TIMEOUTS = {
  requestHandler: { ...REQUEST_TIMEOUTS, requestTimeout: 10_000 },
  maxAttempts: 4,
} as const;

/**
 * For SQS: the client calls the endpoint that the environment names, as those of other services do. Otherwise it calls the host
 * in a queue's URL, which behind an emulator's can be another one, and prints two lines about that.
 */
export const SQS_OPTIONS = { ...SERVICE_TIMEOUTS, useQueueUrlAsEndpoint: false } as const;

/**
 * For EventBridge: a turn's slot is retired only when the bus was told, so a bus that does not answer holds the session up for five
 * seconds at most.
 */
export const BUS_TIMEOUTS = {
  requestHandler: { ...REQUEST_TIMEOUTS, requestTimeout: 2000 },
  maxAttempts: 2,
} as const;

/**
 * How long one post, and the closing of one connection, may take. A post to a client that vanished may never be answered
 * (github.com/aws/aws-sdk-js-v3, issues 6896 and 7632). Both together are less than the three seconds that a connection
 * may cost its caller. Usual are 5 to 25 ms.
 */
export const POST_LIMIT_MS = 2000;
export const CLOSE_LIMIT_MS = 800;

/**
 * Runs a request with a limit that ends all it can wait for: a socket, the connection, the answer. The limit has two halves:
 * a process that stood still, as a frozen environment does, reads what has arrived meanwhile before it gives up.
 */
export async function within<T>(ms: number, request: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const limit = new AbortController();
  let timer = setTimeout(() => {
    timer = setTimeout(() => limit.abort(), ms / 2);
  }, ms / 2);
  try {
    return await request(limit.signal);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * For calls about connections. Each is one attempt: `post` in core/post.ts repeats what may be repeated. There are enough
 * sockets for a session whose listeners all hang. The SDK's 50 would have the others wait behind them.
 */
export const CONNECTIONS_CLIENT = {
  maxAttempts: 1,
  requestHandler: {
    connectionTimeout: 1000,
    httpAgent: { maxSockets: 400 },
    httpsAgent: { maxSockets: 400 },
  },
} as const;
