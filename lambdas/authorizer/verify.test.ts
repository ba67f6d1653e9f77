import { expect, it } from 'vitest';
import { epochMs } from '../../config/units.ts';
import { verifier } from './verify.ts';

it('a token that was taken out is refused after five minutes, and a new one is accepted, in the same environment', async () => {
  const env = { MIDTURN_AUTH: 'tokens', MIDTURN_TOKENS: 'first=acme/ann' };
  const kept: unknown[] = [];
  let now = 0;
  const verify = verifier(env, {
    keptLast: (error) => void kept.push(error),
    clock: { now: () => epochMs(now), sleep: () => new Promise(() => {}) },
  });
  const [first, second] = ['first', 'second'].map(
    (token) => () => verify({ token, address: '192.0.2.7' }),
  ) as [() => ReturnType<typeof verify>, () => ReturnType<typeof verify>];
  const ann = { tenant: 'acme', subject: 'ann' };
  expect(await first()).toEqual(ann);

  env.MIDTURN_TOKENS = 'second=acme/ann';
  now = 299_999;
  expect(await first()).toEqual(ann);
  now = 300_000;
  expect(await first()).toBeUndefined();
  expect(await second()).toEqual(ann);

  env.MIDTURN_TOKENS = 'no tokens';
  now = 600_000;
  expect(await second()).toEqual(ann);
  expect(kept).toEqual([expect.objectContaining({ name: 'SettingError' })]);
});
