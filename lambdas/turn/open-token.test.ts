import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { sealerFor } from '../../aws/sealed-text.ts';
import { givenAws } from '../../test/support/aws-stand-in.ts';
import { newSealKeys } from '../../test/support/seal-keys.ts';
import { openTokenOf } from './open-token.ts';

const aws = givenAws();
const [first, second] = [newSealKeys(), newSealKeys()];
const NAME = 'MIDTURN_FORWARD_TOKEN_PRIVATE_KEY';

const errors: unknown[] = [];
const log = {
  info() {},
  warn() {},
  error: (message: string, fields?: object) => void errors.push({ message, ...fields }),
  with: () => log,
};
const opener = (env: Record<string, string>) => openTokenOf(env, { log });

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }));
afterEach(() => {
  vi.useRealTimers();
  aws.reset();
  aws.secrets.clear();
  errors.length = 0;
});

it('no token is opened where there is no private key', () => {
  expect(opener({})).toBeUndefined();
});

it('a token is opened for the place that it was sealed for, by the key of the environment', async () => {
  const open = opener({ [NAME]: first.privateKey });
  const sealed = sealerFor(first.publicKey)('a token', 'here');
  expect(await open?.(sealed, 'here')).toBe('a token');
  await expect(open?.(sealed, 'there')).rejects.toThrow('sealed for another place');
});

it('the secret stands for the key of the environment, and is read with the first token', async () => {
  aws.secrets.set('key', second.privateKey);
  const open = opener({ [NAME]: first.privateKey, [`${NAME}_SECRET`]: 'key' });
  expect(aws.asked('GetSecretValue')).toBe(0);
  expect(await open?.(sealerFor(second.publicKey)('a token', 'here'), 'here')).toBe('a token');
  expect(aws.asked('GetSecretValue')).toBe(1);
});

it('a key that is replaced counts after the age of secrets; while it cannot be read, the last one does, and the log says so', async () => {
  aws.secrets.set('key', first.privateKey);
  const open = opener({ [`${NAME}_SECRET`]: 'key', MIDTURN_SECRET_SECONDS: '60' });
  const opened = (keys: typeof first) => open?.(sealerFor(keys.publicKey)('a token', 'here'), 'here');
  expect(await opened(first)).toBe('a token');
  aws.secrets.set('key', second.privateKey);
  await expect(opened(second)).rejects.toThrow('sealed with another key');
  vi.setSystemTime(Date.now() + 60_000);
  expect(await opened(second)).toBe('a token');
  aws.refuse('GetSecretValue');
  vi.setSystemTime(Date.now() + 60_000);
  expect(await opened(second)).toBe('a token');
  expect(errors).toMatchObject([{ message: expect.stringContaining('cannot be read again'), secret: 'key' }]);
});
