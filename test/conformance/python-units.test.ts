import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const run = promisify(execFile);
const folder = join(import.meta.dirname, '../../clients/python');

/** Debian's, as in python-client.test.ts. */
const PYTHON = '/usr/bin/python3';

const isThere = await run(PYTHON, ['-c', 'import websockets']).then(
  () => true,
  () => false,
);

it.skipIf(!isThere)('P1, P9, P10: the parts of the Python client pass their own tests', async () => {
  const args = ['-B', '-m', 'unittest', 'discover', '-s', 'tests'];
  const failure = await run(PYTHON, args, { cwd: folder }).then(
    ({ stderr }) => (/^Ran [1-9]\d* tests/m.test(stderr) ? undefined : stderr),
    ({ stderr }) => stderr,
  );
  expect(failure).toBeUndefined();
});
