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
      '        # Two bytes of quotes: the first of these just fits.',
      '        for content in ["x" * 24_574, "", "  ", "x" * 24_575, "€" * 8192]:',
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
      'MESSAGE_TOO_LARGE',
      'CANCELLED cancelled',
      'CLIENT_CLOSED',
    ]);
  });

  it('dials for as long as its server is away, also for a night', async () => {
    const script = [
      'import asyncio',
      'from midturn.catch_up import CatchUp',
      'from midturn.connection import Connection',
      'class Owner:',
      '    def report(self, error): pass',
      'async def main():',
      '    tries, night, now = 0, asyncio.Event(), asyncio.sleep',
      '    asyncio.sleep = lambda seconds: now(0)',
      '    async def dial():',
      '        nonlocal tries',
      '        tries += 1',
      '        if tries == 1100: night.set()',
      '        raise ConnectionError',
      '    connection = Connection(dial, Owner())',
      '    connection.open()',
      '    await asyncio.wait({connection._task, asyncio.create_task(night.wait())}, return_when=asyncio.FIRST_COMPLETED)',
      '    print(night.is_set())',
      '    await connection.close()',
      '    catch_up = CatchUp()',
      '    for _ in range(1100): catch_up.asked(7)',
      'asyncio.run(main())',
    ].join('\n');
    const [program = '', ...args] = python('-c', script);
    const { stdout } = await run(program, args, { cwd: folder });
    expect(stdout.trim()).toBe('True');
  });

  it('sends nothing that ends its connection: an output that is no JSON or too long is an error for the agent', async () => {
    const script = [
      'import asyncio, datetime, midturn',
      'from midturn.link import Link',
      'class Socket:',
      '    async def send(self, text): print(text.encode().decode())',
      'async def main():',
      '    chat = midturn.Chat("ws://127.0.0.1:1/x")',
      '    outputs = [{"at": datetime.date(2026, 1, 1)}, float("nan"), "x" * 20_000, "\\ud800!"]',
      '    for n, output in enumerate(outputs):',
      '        await chat._answer(lambda _: output, {"request_id": f"r{n}", "tool_call_id": f"c{n}"})',
      '    for frame in chat._requests.take_due(0): await Link(Socket()).send(frame)',
      '    for options in [{"a": "x" * 5000}, {"a": datetime.date(2026, 1, 1)}]:',
      '        try: chat.send("Hello", options=options)',
      '        except (midturn.ContentError, TypeError) as error: print(type(error).__name__)',
      'asyncio.run(main())',
    ].join('\n');
    const [program = '', ...args] = python('-c', script);
    const { stdout } = await run(program, args, { cwd: folder });
    const lines = stdout.trim().split('\n');
    expect(lines.slice(0, 4).map((line) => JSON.parse(line))).toMatchObject([
      { request_id: 'r0', error: 'Object of type date is not JSON serializable' },
      { request_id: 'r1', error: expect.stringContaining('JSON compliant') },
      { request_id: 'r2', error: 'The output has 20002 bytes; the limit is 16384.' },
      { request_id: 'r3', output: '?!' },
    ]);
    expect(lines.slice(4)).toEqual(['ContentError', 'TypeError']);
  });

  it('P9: asks for one page of the transcript at a time, and takes no answer of another one for it', async () => {
    const script = [
      'import asyncio',
      'from midturn.pages import Page, Pages',
      'async def main():',
      '    pages, older, newest = Pages(), Page(5, 2), Page(None, 50)',
      '    pages.add(older); pages.add(newest)',
      '    print(pages.next is older, pages.take({"entries": [{"n": 5}]}), pages.take({"entries": [{"n": 3}, {"n": 4}]}))',
      '    print(pages.next is newest, older.came.result()["entries"][0]["n"], pages.take({"entries": [{"n": 9}]}))',
      '    print(newest.came.result()["entries"][0]["n"], pages.next, pages.take({"entries": []}))',
      'asyncio.run(main())',
    ].join('\n');
    const [program = '', ...args] = python('-c', script);
    const { stdout } = await run(program, args, { cwd: folder });
    expect(stdout.trim().split('\n')).toEqual(['True False True', 'True 3 True', '9 None False']);
  });
});
