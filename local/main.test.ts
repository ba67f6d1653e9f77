import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, it } from 'vitest';

interface Outcome {
  code: number | string | null | undefined;
  stdout: string;
  stderr: string;
}

function run(variables: Record<string, string>): Promise<Outcome> {
  const env = { ...process.env, MIDTURN_MODEL: 'demo', MIDTURN_AUTH: 'none', ...variables };
  return new Promise((resolve) => {
    execFile(process.execPath, [join(import.meta.dirname, 'main.ts')], { env }, (error, stdout, stderr) =>
      resolve({ code: error ? error.code : 0, stdout, stderr }),
    );
  });
}

it.each([
  [{ PORT: 'here' }, 'PORT is "here": it must be a whole number from 0 to 65535.\n'],
  [
    { PORT: '0', MIDTURN_MAX_STEPS: '0' },
    'MIDTURN_MAX_STEPS is "0": it must be a whole number from 1 to 1000.\n',
  ],
  [
    { PORT: '0', MIDTURN_LOCAL_SECRETS: '{"key":1}' },
    'MIDTURN_LOCAL_SECRETS must be a JSON object of strings: {"name":"value"}.\n',
  ],
  [
    { PORT: '0', MIDTURN_LOCAL_ORIGINS: 'http://localhost:5173,http://localhost:5173/app' },
    'MIDTURN_LOCAL_ORIGINS has "http://localhost:5173/app": it must be origins with commas between, such as http://localhost:5173.\n',
  ],
])('a setting that cannot be is one line: %o', async (variables, stderr) => {
  expect(await run(variables)).toEqual({ code: 1, stdout: '', stderr });
});

it('a port in use is one line', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? String(address?.port) : '';
  expect(await run({ PORT: port })).toEqual({
    code: 1,
    stdout: '',
    stderr: `Port ${port} is in use: set PORT to another, or 0.\n`,
  });
  server.close();
});
