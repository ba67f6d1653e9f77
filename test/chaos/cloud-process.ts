import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { readyUrl } from '../support/ready-url.ts';

/** The local cloud as `npm start` runs it, in its own process, so that it can be killed as a whole. */
export interface CloudProcess {
  /** `ws://127.0.0.1:PORT/local` */
  url: string;
  /** Kills it: no cleanup runs. */
  kill(): Promise<void>;
  /** Stops it as Ctrl-C does. */
  stop(): Promise<void>;
}

export async function startCloudProcess(env: Readonly<Record<string, string>>): Promise<CloudProcess> {
  // Settings in this shell's environment are not the run's.
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('MIDTURN_'));
  const child = spawn(process.execPath, [join(import.meta.dirname, '..', '..', 'local', 'main.ts')], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...Object.fromEntries(inherited), ...env },
  });
  const killChild = () => child.kill('SIGKILL');
  process.once('exit', killChild);
  const end = async (signal: 'SIGKILL' | 'SIGTERM') => {
    process.off('exit', killChild);
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, 'exit');
  };
  try {
    return { url: await readyUrl(child), kill: () => end('SIGKILL'), stop: () => end('SIGTERM') };
  } catch (error) {
    await end('SIGKILL');
    throw error;
  }
}

/** A free port. A restarted cloud must have the port that its clients know. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('there is no free port');
  return address.port;
}
