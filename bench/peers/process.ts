import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { createServer } from 'node:net';
import { constants } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Launch } from './peer.ts';

const PATIENCE_MS = 60_000;
const BUILD_MS = 180_000;
const LOOK_MS = 50;

/** A peer's server with all the processes that it started, which form a group of their own. */
export class PeerProcess {
  readonly #child: ChildProcess;
  readonly #atExit = () => this.#signal('SIGKILL');

  private constructor(child: ChildProcess) {
    this.#child = child;
    process.once('exit', this.#atExit);
  }

  /** @throws when it ends, or does not answer within a minute; its output is in `server.log` in the folder. */
  static async start(launch: Launch, place: { port: number; folder: string }): Promise<PeerProcess> {
    const log = openSync(join(place.folder, 'server.log'), 'a');
    const child = spawn(process.execPath, launch.args, {
      cwd: launch.cwd,
      env: { ...inherited(), ...launch.env },
      stdio: ['ignore', log, log],
      detached: true,
    });
    const started = new PeerProcess(child);
    try {
      await started.#serves(launch.readyPath, place.port);
    } catch (error) {
      await started.kill();
      throw error;
    }
    return started;
  }

  async #serves(path: string, port: number): Promise<void> {
    const url = `http://127.0.0.1:${port}${path}`;
    const deadline = performance.now() + PATIENCE_MS;
    while (!(await answers(url))) {
      if (this.#hasEnded()) throw new Error(`the server ended with ${this.#child.exitCode}`);
      if (performance.now() > deadline) throw new Error(`the server does not answer at ${path}`);
      await sleep(LOOK_MS);
    }
  }

  /** As a crash or a machine that is lost: nothing of it gets to say a word. */
  async kill(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#signal('SIGKILL');
    if (!this.#hasEnded()) await ended;
    process.off('exit', this.#atExit);
  }

  #hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  #signal(signal: NodeJS.Signals): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch (error) {
      // The group is gone already.
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
    }
  }
}

/** @throws when it fails, or takes longer than three minutes; the error has what it printed. */
export function build({ args, cwd }: Pick<Launch, 'args' | 'cwd'>): void {
  const options = { cwd, env: inherited(), encoding: 'utf8', timeout: BUILD_MS } as const;
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, args, options);
  if (status !== 0) throw new Error(`the build ended with ${status ?? signal}\n${stdout}${stderr}`);
}

/**
 * A signal ends a process without its `exit` listeners, and would leave the peers' servers running: they are in groups of their
 * own, which a terminal's Ctrl-C does not reach.
 */
export function exitOnSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => process.exit(128 + constants.signals[signal]));
  }
}

/** Settings that happen to be exported in this shell are not the bench's; nobody is told what runs here. */
function inherited(): Record<string, string> {
  const names = ['PATH', 'HOME', 'TMPDIR', 'LANG'];
  const kept = names.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return {
    ...Object.fromEntries(kept),
    CI: '1',
    WRANGLER_SEND_METRICS: 'false',
    LANGGRAPH_CLI_NO_ANALYTICS: '1',
    LANGSMITH_TRACING: 'false',
    MASTRA_TELEMETRY_DISABLED: '1',
    DO_NOT_TRACK: '1',
  };
}

const answers = (url: string): Promise<boolean> =>
  fetch(url, { signal: AbortSignal.timeout(1000) }).then(
    async (response) => {
      await response.arrayBuffer();
      return response.status < 500;
    },
    () => false,
  );

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no free port');
  await new Promise((resolve) => server.close(resolve));
  return address.port;
}
