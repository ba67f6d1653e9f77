import { describe, expect, it } from 'vitest';
import { epochMs, milliseconds } from '../config/units.ts';
import { KEPT_MS, RETRY_MS, renewed, WAIT_MS } from './renewed.ts';

const FRESH_MS = milliseconds(300_000);

/** A secret that a test changes, a clock that it moves, and what was read, made and reported. */
function given(first: string) {
  const world = { text: first as string | Error | Promise<string>, now: 0, reads: 0, made: 0 };
  const reported: unknown[] = [];
  const sleepers: { at: number; wake: () => void }[] = [];
  const value = renewed<string, { of: string }>({
    read: async () => {
      world.reads += 1;
      if (world.text instanceof Error) throw world.text;
      return world.text;
    },
    make: (text) => {
      world.made += 1;
      if (text === 'unusable') throw new Error('it cannot be used');
      return { of: text };
    },
    freshMs: FRESH_MS,
    clock: {
      now: () => epochMs(world.now),
      sleep: (duration) =>
        new Promise((wake) => {
          sleepers.push({ at: world.now + duration, wake });
        }),
    },
    keptLast: (error) => void reported.push(error),
  });
  return {
    world,
    reported,
    value,
    /** Moves the clock, and wakes who slept until then. */
    later: (ms: number) => {
      world.now += ms;
      for (const { at, wake } of sleepers) if (at <= world.now) wake();
    },
  };
}

describe('a value that is renewed', () => {
  it('is read once while it is fresh, also for those who ask while it is read', async () => {
    const { world, value, later } = given('one');
    const [first, second] = await Promise.all([value(), value()]);
    expect(first).toBe(second);
    later(FRESH_MS - 1);
    expect(await value()).toBe(first);
    expect(world).toMatchObject({ reads: 1, made: 1 });
  });

  it('is the new one for the first who asks after that: a rotated secret is refused from then on', async () => {
    const { world, value, later } = given('one');
    await value();
    world.text = 'two';
    later(FRESH_MS);
    expect(await value()).toEqual({ of: 'two' });
    expect(world).toMatchObject({ reads: 2, made: 2 });
  });

  it('is the same object if what was read has not changed', async () => {
    const { world, value, later } = given('one');
    const first = await value();
    later(FRESH_MS);
    expect(await value()).toBe(first);
    expect(world).toMatchObject({ reads: 2, made: 1 });
  });

  it('can be made of nothing, where no secret is needed', async () => {
    const make = (text: undefined) => ({ of: text });
    const clock = { now: () => epochMs(0), sleep: async () => {} };
    const value = renewed({ read: async () => undefined, make, freshMs: FRESH_MS, clock, keptLast() {} });
    expect(await value()).toEqual({ of: undefined });
  });

  it.each([
    ['it cannot be read', new Error('denied')],
    ['the new one cannot be used', 'unusable'],
  ])('stays the last one if %s, which is reported, and tried again after a while', async (_, text) => {
    const { world, value, later, reported } = given('one');
    const first = await value();
    world.text = text;
    later(FRESH_MS);
    expect(await value()).toBe(first);
    expect(await value()).toBe(first);
    expect(world.reads).toBe(2);
    expect(reported).toEqual([expect.any(Error)]);
    world.text = 'two';
    later(RETRY_MS);
    expect(await value()).toEqual({ of: 'two' });
  });

  it('stays the last one while the new one does not come, and nobody waits longer than the limit', async () => {
    const { world, value, later } = given('one');
    const first = await value();
    const answer = Promise.withResolvers<string>();
    world.text = answer.promise;
    later(FRESH_MS);
    const waiting = value();
    later(WAIT_MS);
    expect(await waiting).toBe(first);
    later(1);
    const asked = value();
    later(0);
    expect(await asked).toBe(first);
    expect(world.reads).toBe(2);
    answer.resolve('two');
    await expect.poll(async () => (await value()).of).toBe('two');
  });

  it('is not the last one for ever: after the limit, callers get the error', async () => {
    const { world, value, later } = given('one');
    await value();
    world.text = new Error('denied');
    later(KEPT_MS - 1);
    expect(await value()).toEqual({ of: 'one' });
    later(1);
    await expect(value()).rejects.toThrow('denied');
    world.text = 'two';
    expect(await value()).toEqual({ of: 'two' });
  });

  it('that was never read is an error for those who wait, and read by the next who asks', async () => {
    const { world, value, reported } = given('unusable');
    const both = [value(), value()];
    await Promise.all(both.map((one) => expect(one).rejects.toThrow('it cannot be used')));
    world.text = 'one';
    expect(await value()).toEqual({ of: 'one' });
    expect(reported).toEqual([]);
  });
});
