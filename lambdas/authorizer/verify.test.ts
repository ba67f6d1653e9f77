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
  const ann = { tenant: 'acme', subject: 'ann' };
  expect(await verify('first')).toEqual(ann);

  env.MIDTURN_TOKENS = 'second=acme/ann';
  now = 299_999;
  expect(await verify('first')).toEqual(ann);
  now = 300_000;
  expect(await verify('first')).toBeUndefined();
  expect(await verify('second')).toEqual(ann);

  env.MIDTURN_TOKENS = 'no tokens';
  now = 600_000;
  expect(await verify('second')).toEqual(ann);
  expect(kept).toEqual([expect.objectContaining({ name: 'SettingError' })]);
});
