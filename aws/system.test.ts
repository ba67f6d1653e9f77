import { expect, it } from 'vitest';
import { milliseconds } from '../config/units.ts';
import { randomId, systemClock } from './system.ts';

it.each(['before', 'during'])(
  'a sleep whose signal is aborted %s it ends at once, and is no error',
  async (when) => {
    const signal = new AbortController();
    if (when === 'before') signal.abort('over');
    const slept = systemClock.sleep(milliseconds(2 ** 30), signal.signal);
    signal.abort('over');
    expect(await slept).toBeUndefined();
  },
);

it('an id is unique, and 20 characters that a key, a group and a subprotocol can have', () => {
  const ids = Array.from({ length: 1000 }, randomId);
  expect(new Set(ids).size).toBe(ids.length);
  for (const id of ids) expect(id).toMatch(/^[\w-]{20}$/);
});

it('a sleep is over when its time is, and not before; what is no signal is an error', async () => {
  const slept = systemClock.sleep(milliseconds(1)).then(() => 'slept');
  expect(await Promise.race([slept, Promise.resolve('awake')])).toBe('awake');
  expect(await slept).toBe('slept');
  await expect(systemClock.sleep(milliseconds(1), 'none' as never)).rejects.toThrow(TypeError);
});
