import { afterEach, describe, expect, it } from 'vitest';
import { epochMs } from '../../config/units.ts';
import { givenAws } from '../../test/support/aws-stand-in.ts';
import { around } from '../../test/support/text.ts';
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

describe('without authentication', () => {
  const shared = { tenant: 'local', subject: 'anonymous', shared: 'true' };
  const contextOf = (env: Record<string, string>) =>
    verifier({ MIDTURN_AUTH: 'none', ...env }, { keptLast() {} })({ token: undefined, address: '192.0.2.7' });

  it('everybody on one machine is one principal that nobody counts', async () => {
    expect(await contextOf({})).toEqual(shared);
  });

  it('whoever finds a deployment that is open to anyone is counted by address', async () => {
    expect(await contextOf({ MIDTURN_OPEN_TO_ANYONE: 'true' })).toEqual({ ...shared, address: '192.0.2.7' });
  });
});

it('a token of up to 8192 characters is looked at, and a longer one is none', async () => {
  for (const [n, length] of around(8192).entries()) {
    const token = 't'.repeat(length);
    const env = { MIDTURN_AUTH: 'tokens', MIDTURN_TOKENS: `${token}=acme/ann` };
    const verified = await verifier(env, { keptLast() {} })({ token, address: '192.0.2.7' });
    expect(verified).toEqual(n < 2 ? { tenant: 'acme', subject: 'ann' } : undefined);
  }
});

describe('tokens of a secret', () => {
  const aws = givenAws();
  afterEach(() => aws.secrets.clear());

  it('count before those of a setting, and are read again at the age that the settings name', async () => {
    aws.secrets.set('tokens', 'first=acme/ann');
    let now = 0;
    const kept: unknown[] = [];
    const env = {
      MIDTURN_AUTH: 'tokens',
      MIDTURN_TOKENS_SECRET: 'tokens',
      MIDTURN_TOKENS: 'of-the-setting=acme/eve',
      MIDTURN_SECRET_SECONDS: '60',
    };
    const verify = verifier(env, {
      keptLast: (error) => void kept.push(error),
      clock: { now: () => epochMs(now), sleep: () => new Promise(() => {}) },
    });
    const isKnown = async (token: string) => (await verify({ token, address: '192.0.2.7' })) !== undefined;
    expect([await isKnown('first'), await isKnown('of-the-setting')]).toEqual([true, false]);
    aws.secrets.set('tokens', 'second=acme/ann');
    now = 59_999;
    expect([await isKnown('first'), await isKnown('second')]).toEqual([true, false]);
    now = 60_000;
    expect([await isKnown('first'), await isKnown('second')]).toEqual([false, true]);
    aws.secrets.delete('tokens');
    now = 120_000;
    expect(await isKnown('second')).toBe(true);
    expect(kept).toEqual([expect.objectContaining({ name: 'SecretError' })]);
  });
});
