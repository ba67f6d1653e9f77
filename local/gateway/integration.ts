import { isJsonObject } from './json-object.ts';
import { INTEGRATION_TIMEOUT_MS } from './limits.ts';
import type { RouteTarget } from './types.ts';

/** The result of invoking a function. */
export type IntegrationOutcome =
  | { kind: 'returned'; value: unknown; latencyMs: number }
  | { kind: 'failed'; error: unknown }
  | { kind: 'timed-out'; timeoutMs: number };

/**
 * Invokes a function with its integration's time limit. As on AWS a function that runs keeps running after that limit, and
 * `onLate` receives its failure.
 *
 * @param mostMs the longest time limit of this kind of API
 */
export function callFunction(
  { invoke, timeoutMs }: RouteTarget,
  event: unknown,
  onLate: (error: unknown) => void,
  mostMs: number = INTEGRATION_TIMEOUT_MS,
): Promise<IntegrationOutcome> {
  const limit = Math.min(timeoutMs, mostMs);
  const started = performance.now();
  return new Promise((resolve) => {
    const over = new AbortController();
    const timer = setTimeout(() => {
      resolve({ kind: 'timed-out', timeoutMs: limit });
      over.abort();
    }, limit);
    const invocation = (async () => invoke(event, over.signal))();
    invocation.then(
      (value) => {
        clearTimeout(timer);
        resolve({ kind: 'returned', value, latencyMs: Math.round(performance.now() - started) });
      },
      (error: unknown) => {
        clearTimeout(timer);
        if (over.signal.aborted) onLate(error);
        else resolve({ kind: 'failed', error });
      },
    );
  });
}

/** The part of a Lambda proxy response that a WebSocket API uses. */
export interface ProxyResponse {
  statusCode: number;
  /** Header values by lower-case name. */
  headers: ReadonlyMap<string, string>;
}

/** Reads a Lambda proxy response. Undefined if it is malformed: `statusCode` is required. */
export function readProxyResponse(value: unknown): ProxyResponse | undefined {
  if (!isJsonObject(value)) return undefined;
  const statusCode = Number(value.statusCode ?? Number.NaN);
  if (!Number.isInteger(statusCode) || statusCode < 200 || statusCode > 599) return undefined;
  const fields = value.headers ?? {};
  if (!isJsonObject(fields)) return undefined;
  const headers = new Map(
    Object.entries(fields).map(([name, field]) => [name.toLowerCase(), String(field)] as const),
  );
  return { statusCode, headers };
}

export function describeFailure(outcome: Exclude<IntegrationOutcome, { kind: 'returned' }>): string {
  return outcome.kind === 'failed'
    ? `failed: ${describeError(outcome.error)}`
    : `did not answer within ${outcome.timeoutMs} ms`;
}

export function describeError(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
