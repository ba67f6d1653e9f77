import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { startModelServer } from '../test/support/model-server.ts';
import { readyUrl } from '../test/support/ready-url.ts';
import type { TimedModel } from './timed-model.ts';

export interface BenchStack extends AsyncDisposable {
  /** `ws://127.0.0.1:PORT/local` */
  url: string;
}

/**
 * The local cloud as `npm start` runs it, in a process of its own, so that clients and model do not share its event loop;
 * the model answers from this process, on the clock that the clients use.
 */
export async function startStack(
  model: TimedModel,
  settings: Readonly<Record<string, string>> = {},
): Promise<BenchStack> {
  const server = await startModelServer(model.script);
  // Settings that happen to be exported in this shell are not the bench's.
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('MIDTURN_'));
  const cloud = spawn(process.execPath, [join(import.meta.dirname, '..', 'local', 'main.ts')], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...Object.fromEntries(inherited),
      PORT: '0',
      MIDTURN_MODEL: 'openai-compatible:scripted',
      MIDTURN_MODEL_BASE_URL: server.baseUrl,
      MIDTURN_AUTH: 'none',
      ...settings,
    },
  });
  const kill = () => cloud.kill();
  process.once('exit', kill);
  const stop = async () => {
    process.off('exit', kill);
    if (cloud.exitCode === null && cloud.signalCode === null) {
      cloud.kill('SIGTERM');
      await once(cloud, 'exit');
    }
    await server.close();
  };
  try {
    return { url: await readyUrl(cloud), [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
