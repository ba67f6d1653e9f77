import { describe, expect, it } from 'vitest';
import { madeOfSecrets } from './made-of-secrets.ts';

/** Secrets by name, and what is made of those that `uses` names. */
function given(uses: string[], secrets: Record<string, string>) {
  const kept: unknown[] = [];
  let times = 0;
  const make = madeOfSecrets<string>(
    async (name) => {
      const text = secrets[name];
      if (text === undefined) throw new Error(`no ${name}`);
      return text;
    },
    async (secret) => {
      times++;
      const texts = await Promise.all(uses.map(secret));
      if (texts.includes('broken')) throw new Error('unusable');
      return texts.join();
    },
    (error) => kept.push(error),
  );
  return { make, kept, times: () => times };
}

describe('what is made of secrets', () => {
  it('is made once, also for callers at the same time', async () => {
    const { make, times } = given(['a', 'b'], { a: '1', b: '2' });
    expect(await Promise.all([make(), make()])).toEqual(['1,2', '1,2']);
    expect(await make()).toBe('1,2');
    expect(times()).toBe(1);
  });

  it('is made again when one of its secrets has changed, and not for another', async () => {
    const secrets: Record<string, string> = { a: '1', other: 'x' };
    const { make, times } = given(['a'], secrets);
    await make();
    secrets.other = 'y';
    expect(await make()).toBe('1');
    expect(times()).toBe(1);
    secrets.a = '2';
    expect(await make()).toBe('2');
    expect(times()).toBe(2);
  });

  it('is made again for each secret that changes, each time once', async () => {
    const secrets: Record<string, string> = { a: '1', b: '1' };
    const { make, times } = given(['a', 'b'], secrets);
    await make();
    for (const [name, text, made] of [
      ['a', '2', '2,1'],
      ['b', '3', '2,3'],
      ['b', '1', '2,1'],
    ] as const) {
      const before = times();
      secrets[name] = text;
      expect(await Promise.all([make(), make()])).toEqual([made, made]);
      expect(await make()).toBe(made);
      expect(times()).toBe(before + 1);
    }
  });

  it('stays in use if it cannot be made of the new ones, and is made when it can', async () => {
    const secrets: Record<string, string> = { a: '1' };
    const { make, kept } = given(['a'], secrets);
    await make();
    secrets.a = 'broken';
    expect(await make()).toBe('1');
    expect(kept).toMatchObject([{ message: 'unusable' }]);
    secrets.a = '3';
    expect(await make()).toBe('3');
  });

  it('is not there until it can be made the first time', async () => {
    const secrets: Record<string, string> = {};
    const { make, kept } = given(['a'], secrets);
    await expect(make()).rejects.toThrow('no a');
    secrets.a = '1';
    expect(await make()).toBe('1');
    expect(kept).toEqual([]);
  });
});
