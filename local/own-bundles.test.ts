import { expect, it, onTestFinished } from 'vitest';
import { LONG_TEST_MS } from '../test/support/timeouts.ts';
import { connect } from '../test/support/ws-client.ts';
import { buildFunctions, release } from './build.ts';
import { startLocalCloud } from './cloud.ts';
import { holdOwnBundles } from './own-bundles.ts';

/** The status of a handshake with this token. */
const statusOf = (url: string, token: string): Promise<number> =>
  connect(url, { headers: { Authorization: `Bearer ${token}` } }).then(
    () => 101,
    (refused: { statusCode: number }) => refused.statusCode,
  );

it(
  'a release build beside a running local cloud takes no chunk from it that it has not loaded yet',
  async () => {
    const cloud = await startLocalCloud({
      settings: {
        MIDTURN_AUTH: 'jwt',
        MIDTURN_JWT_ISSUER: 'https://issuer.invalid',
        MIDTURN_JWT_AUDIENCE: 'midturn',
        MIDTURN_JWT_JWKS_URI: 'https://issuer.invalid/keys',
      },
      log: () => {},
    });
    onTestFinished(() => cloud.close());
    // Refused unread: the authorizer runs, and the chunk that verifies JWTs is not loaded.
    expect(await statusOf(cloud.url, 'x'.repeat(9000))).toBe(401);
    // What `cdk deploy`, `cdk synth` and `npm run build:functions` run.
    await buildFunctions(release());
    expect(await statusOf(cloud.url, 'no.jwt.atall')).toBe(401);
  },
  LONG_TEST_MS,
);

it('two local clouds at the same time have a folder each', async () => {
  const [one, other] = [await holdOwnBundles(), await holdOwnBundles()];
  expect(one.folder).not.toBe(other.folder);
  await Promise.all([one.release(), other.release()]);
});
