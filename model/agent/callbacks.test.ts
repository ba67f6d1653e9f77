import { setImmediate as nextTick } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { milliseconds } from '../../config/units.ts';
import type { Log } from '../../core/ports.ts';
import { virtualClock } from '../../core/testing/virtual-clock.ts';
import { CALLBACK_MS, CallbackQueue, type Callbacks } from './callbacks.ts';

/** The queue by itself: when each callback is called, and what becomes of one that fails or hangs. */
function queueOf(callbacks: object) {
  const logged: unknown[] = [];
  const log = { error: (message: string, fields: unknown) => logged.push([message, fields]) };
  const clock = virtualClock();
  const queue = new CallbackQueue(callbacks as Callbacks, { clock, log: log as unknown as Log });
  const failed = (callback: string, error: string) => ['a callback of the agent failed', { callback, error }];
  return {
    queue,
    logged,
    clock,
    failed,
    call: (name: 'onAbort' | 'onEnd', event: unknown) => queue.call(name, event as never),
  };
}

const HOUR = milliseconds(3_600_000);

describe('callbacks', () => {
  it('are called one after the other, each with its event, and a worker that leaves waits for the last one', async () => {
    const told: unknown[] = [];
    const first = Promise.withResolvers<void>();
    const { queue, call, logged, clock } = queueOf({
      onAbort: async (event: unknown) => {
        told.push(event);
        if (told.length === 1) await first.promise;
        told.push('over');
      },
      onEnd: (event: unknown) => void told.push(event),
    });
    expect(queue.isEmpty).toBe(false);
    call('onAbort', 1);
    call('onEnd', 2);
    call('onAbort', 3);
    const settled = queue.settled(CALLBACK_MS).then(() => told.push('settled'));
    await nextTick();
    expect(told).toEqual([1]);
    first.resolve();
    await settled;
    expect(told).toEqual([1, 'over', 2, 3, 'over', 'settled']);
    expect([logged, clock.sleeping]).toEqual([[], 0]);
  });

  it('that fail are logged by their names, without a word of the conversation, and the next ones are called', async () => {
    const thrown: unknown[] = [new TypeError('what Ann said'), 'what Ann said', undefined];
    const told: unknown[] = [];
    const { queue, call, logged, failed } = queueOf({
      // One throws, and the others reject.
      onAbort: (n: number) => {
        if (n === 0) throw thrown[n];
        return Promise.reject(thrown[n]);
      },
      onEnd: (event: unknown) => void told.push(event),
    });
    for (const n of [0, 1, 2]) call('onAbort', n);
    call('onEnd', 'done');
    await queue.settled(HOUR);
    expect(logged).toEqual(['TypeError', 'string', 'undefined'].map((error) => failed('onAbort', error)));
    expect(told).toEqual(['done']);
  });

  it('that hang are left after ten seconds each, and all of them by a worker that has less time', async () => {
    const { queue, call, logged, failed, clock } = queueOf({ onEnd: () => new Promise(() => {}) });
    const began = clock.now();
    call('onEnd', 1);
    call('onEnd', 2);
    await queue.settled(milliseconds(12_500));
    expect(clock.now() - began).toBe(12_500);
    expect(logged).toEqual([
      failed('onEnd', 'not done within 10 s'),
      failed('the last callbacks', 'not done within 12.5 s'),
    ]);
    await queue.settled(HOUR);
    expect(clock.now() - began).toBe(20_000);
    expect(logged.slice(2)).toEqual([failed('onEnd', 'not done within 10 s')]);
    expect(clock.sleeping).toBe(0);
  });

  it('by the SDK’s earlier names are called where the later one is not given, and none for any other', async () => {
    const told: string[] = [];
    const callbacks = (...names: string[]) =>
      Object.fromEntries(names.map((name) => [name, () => void told.push(name)]));
    for (const names of [['onFinish'], ['onFinish', 'onEnd'], ['onStepFinish', 'onStepEnd', 'onError']]) {
      const { queue, call } = queueOf(callbacks(...names));
      call('onEnd', {});
      call('onAbort', {});
      queue.call('onStepEnd', {} as never);
      await queue.settled(HOUR);
    }
    expect(told).toEqual(['onFinish', 'onEnd', 'onStepEnd']);
    for (const none of [{}, { onEnd: undefined }, { onTurn: () => {} }])
      expect(queueOf(none).queue.isEmpty).toBe(true);
  });
});
