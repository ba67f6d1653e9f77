import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../test/support/temporary-folder.ts';
import { build, freePort, PeerProcess } from './process.ts';

/** A server that has a process of its own do the work, as `wrangler dev` does. */
const WORKER =
  "require('node:http').createServer((_, response) => response.end()).listen(process.env.PORT, '127.0.0.1')";
const SERVER = `
  require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(WORKER)}]);
  setInterval(() => {}, 1000);
`;
const launch = (port: number) => ({
  args: ['-e', SERVER],
  cwd: tmpdir(),
  env: { PORT: String(port) },
  readyPath: '/',
});
const works = (port: number): Promise<boolean> =>
  fetch(`http://127.0.0.1:${port}/`).then(
    (response) => response.ok,
    () => false,
  );

it('a peer’s server is killed with all the processes that it started', async () => {
  const folder = temporaryFolder();
  const port = await freePort();
  const server = await PeerProcess.start(launch(port), { port, folder });
  expect(await works(port)).toBe(true);
  await server.kill();
  await expect.poll(() => works(port)).toBe(false);
});

it('a peer whose server cannot be made is reported with what the build printed', () => {
  const args = ['-e', 'console.log("no such module"); process.exit(3)'];
  expect(() => build({ args, cwd: tmpdir() })).toThrow('the build ended with 3\nno such module');
});

it.each(['SIGTERM', 'SIGINT'] as const)(
  'a bench that is ended by %s leaves none of them running',
  async (signal) => {
    const folder = temporaryFolder();
    const port = await freePort();
    const bench = spawn(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `import { exitOnSignals, PeerProcess } from ${JSON.stringify(join(import.meta.dirname, 'process.ts'))};
       exitOnSignals();
       await PeerProcess.start(${JSON.stringify(launch(port))}, ${JSON.stringify({ port, folder })});
       console.log('started');
       setInterval(() => {}, 1000);`,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    await once(createInterface(bench.stdout), 'line');
    expect(await works(port)).toBe(true);
    bench.kill(signal);
    const [code] = await once(bench, 'exit');
    expect(code).toBe(signal === 'SIGTERM' ? 143 : 130);
    await expect.poll(() => works(port)).toBe(false);
  },
);
