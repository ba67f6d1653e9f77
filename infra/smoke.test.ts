import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type LocalCloud, startLocalCloud } from '../local/cloud.ts';
import { TEST_BUNDLES } from '../test/support/bundles.ts';

let cloud: LocalCloud;
beforeAll(async () => {
  cloud = await startLocalCloud({
    bundles: TEST_BUNDLES,
    log: () => {},
    settings: { MIDTURN_AUTH: 'tokens', MIDTURN_TOKENS: 'open-sesame=acme/ann' },
  });
});
afterAll(() => cloud?.close());

const smoke = (...args: string[]) =>
  promisify(execFile)(process.execPath, [new URL('./smoke.ts', import.meta.url).pathname, ...args]);

it('gets a steered answer from a deployment', async () => {
  const { stdout } = await smoke(cloud.url, 'open-sesame');
  expect(stdout).toContain('[accepted as steering]');
  expect(stdout).toMatch(/midturn answers, and can be steered\.\n$/);
});

it('says in one line that it was refused', async () => {
  await expect(smoke(cloud.url, 'guess')).rejects.toMatchObject({
    code: 1,
    stderr: '\nmidturn does not answer: the connection was refused: check URL and token.\n',
  });
});

it('prints its usage', async () => {
  await expect(smoke()).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining('usage:') });
});
