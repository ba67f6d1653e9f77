import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { CASES } from '../../conformance/client/cases/cases.ts';
import { runCases } from '../../conformance/client/run.ts';
import { startLocalCloud } from '../../local/cloud.ts';
import { TEST_BUNDLES } from '../support/bundles.ts';
import { LONG_TEST_MS, WAIT_MS } from '../support/timeouts.ts';
import { notPassed } from './client-subject.ts';

const run = promisify(execFile);
const folder = join(import.meta.dirname, '../../clients/python');

/** Debian's, with its package python3-websockets. Nothing is downloaded: where there is none, the tests are skipped. */
const PYTHON = '/usr/bin/python3';

const isThere = await run(PYTHON, ['-c', 'import websockets']).then(
  () => true,
  () => false,
);
if (!isThere) console.warn('SKIPPED: the Python client. apt-get install python3 python3-websockets.');

/** Its bytecode is not written into the project. */
const python = (...args: string[]) => [PYTHON, '-B', ...args];

describe.skipIf(!isThere)('the Python client', { timeout: LONG_TEST_MS }, () => {
  it('P1, P9, P10: passes every case of the kit', async () => {
    const command = python(join(folder, 'conformance_driver.py'));
    const results = await runCases({ subject: { command, timeoutMs: WAIT_MS }, cases: CASES, parallel: 8 });
    expect(notPassed(results)).toEqual([]);
  });

  it('P6: its example steers an answer of the product', async () => {
    const cloud = await startLocalCloud({ bundles: TEST_BUNDLES, log: () => {} });
    try {
      const [program = '', ...args] = python(join(folder, 'example.py'), cloud.url);
      const { stdout } = await run(program, args);
      expect(stdout).toMatch(
        /^\S[\s\S]+\n> Nothing with onions!\n[\s\S]+\n\n2 model calls\.\nThe transcript has \d+ entries\.\n$/,
      );
    } finally {
      await cloud.close();
    }
  });

  it('raises an error with a code where the server cannot be used', async () => {
    const script = [
      'import asyncio, midturn',
      'async def main():',
      '    async with midturn.Chat("ws://127.0.0.1:1/x") as chat:',
      '        for content in ["", "  ", "x" * 30_000]:',
      '            try: chat.send(content)',
      '            except midturn.ContentError as error: print(error.code)',
      '        message = chat.send("Hello")',
      '        message.cancel()',
      '        try: await message.applied()',
      '        except midturn.MessageRefused as error: print(error.code, message.status)',
      '        waiting = chat.send("Hello")',
      '    try: await waiting.applied()',
      '    except midturn.ClosedError as error: print(error.code)',
      'asyncio.run(main())',
    ].join('\n');
    const [program = '', ...args] = python('-c', script);
    const { stdout } = await run(program, args, { cwd: folder });
    expect(stdout.trim().split('\n')).toEqual([
      'EMPTY_CONTENT',
      'EMPTY_CONTENT',
      'MESSAGE_TOO_LARGE',
      'CANCELLED cancelled',
      'CLIENT_CLOSED',
    ]);
  });
});
