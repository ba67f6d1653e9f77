import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { callFunction, readProxyResponse } from './integration.ts';
import { INTEGRATION_TIMEOUT_MS } from './limits.ts';
import { gate } from './test-gateway.ts';
import type { Invoke } from './types.ts';

function given(invoke: Invoke, timeoutMs = 1000) {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const late: unknown[] = [];
  const limits: (AbortSignal | undefined)[] = [];
  const target: Invoke = (event, limit) => {
    limits.push(limit);
    return invoke(event, limit);
  };
  const outcome = callFunction({ invoke: target, timeoutMs }, 'event', (error) => late.push(error));
  return { late, outcome, isGivenUp: () => limits.map((limit) => limit?.aborted) };
}

describe('a call of a function', () => {
  it('gives what it returned and how long it took, and leaves no timer', async () => {
    const { outcome } = given(async (event) => {
      vi.advanceTimersByTime(700);
      return [event];
    });
    expect(await outcome).toEqual({ kind: 'returned', value: ['event'], latencyMs: 700 });
    expect(vi.getTimerCount()).toBe(0);
  });

  const error = new Error('no table');
  it.each<[string, Invoke]>([
    ['at once', () => Promise.reject(error)],
    [
      'before it returns a promise',
      () => {
        throw error;
      },
    ],
  ])('that fails %s says why, and leaves no timer', async (_, invoke) => {
    const { outcome, late } = given(invoke);
    expect(await outcome).toEqual({ kind: 'failed', error });
    expect(vi.getTimerCount()).toBe(0);
    expect(late).toEqual([]);
  });

  it.each([
    [1000, 1000],
    [INTEGRATION_TIMEOUT_MS, INTEGRATION_TIMEOUT_MS],
    [INTEGRATION_TIMEOUT_MS + 1, INTEGRATION_TIMEOUT_MS],
  ])('that may take %i ms is given up after %i ms, and not before', async (timeoutMs, limit) => {
    const { outcome, isGivenUp } = given(() => gate().opened, timeoutMs);
    await vi.advanceTimersByTimeAsync(limit - 1);
    expect(await Promise.race([outcome, 'waits'])).toBe('waits');
    expect(isGivenUp()).toEqual([false]);
    await vi.advanceTimersByTimeAsync(1);
    expect(await outcome).toEqual({ kind: 'timed-out', timeoutMs: limit });
    expect(isGivenUp()).toEqual([true]);
  });

  it.each([
    [1001, [error]],
    [999, []],
  ])('that fails after %i ms of 1000 is told late: %j', async (ms, told) => {
    const failing = gate();
    const { outcome, late } = given(() => failing.opened.then(() => Promise.reject(error)));
    await vi.advanceTimersByTimeAsync(ms);
    failing.open();
    await outcome;
    await vi.advanceTimersByTimeAsync(0);
    expect(late).toEqual(told);
  });
});

describe('a proxy response', () => {
  it.each([
    [199, undefined],
    [200, 200],
    ['204', 204],
    [599, 599],
    [600, undefined],
    [200.5, undefined],
    [null, undefined],
  ])('with the status %j has the status %j', (statusCode, read) => {
    expect(readProxyResponse({ statusCode })?.statusCode).toBe(read);
  });

  it('has its headers as texts, by names in lower case', () => {
    const { headers } = readProxyResponse({ statusCode: 200, headers: { 'X-Count': 3 } }) ?? {};
    expect(headers).toEqual(new Map([['x-count', '3']]));
    expect(readProxyResponse({ statusCode: 200, headers: null })?.headers).toEqual(new Map());
  });

  it.each(['x', ['x'], 5])('with the headers %j is none', (headers) => {
    expect(readProxyResponse({ statusCode: 200, headers })).toBeUndefined();
  });
});
