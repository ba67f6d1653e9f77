import { describe, expect, it } from 'vitest';
import { oneAtATime } from './one-at-a-time.ts';

describe('one at a time', () => {
  it('runs once more for all who asked while it ran, and then anew', async () => {
    const gates: PromiseWithResolvers<void>[] = [];
    const ask = oneAtATime(() => {
      const gate = Promise.withResolvers<void>();
      gates.push(gate);
      return gate.promise;
    });
    const first = ask();
    const [second, third] = [ask(), ask()];
    expect(gates).toHaveLength(1);
    gates[0]?.resolve();
    await first;
    await expect.poll(() => gates.length).toBe(2);
    gates[1]?.resolve();
    await Promise.all([second, third]);
    expect(gates).toHaveLength(2);
    const fourth = ask();
    expect(gates).toHaveLength(3);
    const fifth = ask();
    gates[2]?.resolve();
    await fourth;
    await expect.poll(() => gates.length).toBe(4);
    gates[3]?.resolve();
    await fifth;
  });
});
