import { spawn } from 'node:child_process';
import { stripVTControlCharacters } from 'node:util';

/** Tests that a fault is tried on, one stage after the other. */
interface Stage {
  name: string;
  /** The files whose faults it can show. */
  of: RegExp;
  /** Arguments of Node. */
  command(file: string): readonly string[];
  /** A fault may run for ever. Then the stage has shown it. */
  limitMs: number;
}

const VITEST = 'node_modules/vitest/vitest.mjs';

/** Types make a wrong argument a fault that nobody can commit, so that the check is no stage. */
export const STAGES: readonly Stage[] = [
  {
    name: 'unit tests',
    of: /./,
    command: (file) => [
      VITEST,
      'related',
      file,
      '--run',
      '--root=.',
      '--config=test/mutation/vitest.config.ts',
    ],
    limitMs: 300_000,
  },
  {
    name: 'simulation',
    of: /^(core|protocol)\//,
    command: () => ['test/simulation/main.ts', '--count', '400', '--jobs', '2', '--first'],
    limitMs: 120_000,
  },
  {
    name: 'scenarios',
    of: /^(core|protocol|config|model|aws|lambdas|agent|local)\//,
    command: () => [
      VITEST,
      'run',
      '--project=fast',
      '--bail=1',
      'test/scenarios',
      'test/security',
      'test/operations',
      'test/take-over',
      'local/cloud.test.ts',
    ],
    limitMs: 900_000,
  },
];

/** What showed a fault. */
export interface Shown {
  stage: string;
  /** The first test that failed, or the broken promise. Undefined: the stage named none, for example as it did not end. */
  by: string | undefined;
  /** Runs the same on the copy without the fault. Then it must pass, or it did not fail because of the fault. */
  passesWithoutFault(): Promise<boolean>;
}

/**
 * Runs the stages for a file in a copy of the project, until one fails.
 * @returns what failed; undefined: all passed
 */
export async function showFault(folder: string, file: string, stages = STAGES): Promise<Shown | undefined> {
  for (const { name, of, command, limitMs } of stages) {
    if (!of.test(file)) continue;
    const args = command(file);
    const { passed, output } = await run(folder, args, limitMs);
    if (passed) continue;
    const by = firstFailure(output);
    const testFile = by && /(\S+\.test\.ts)/.exec(by)?.[1];
    const again = testFile && name === 'scenarios' ? [VITEST, 'run', '--project=fast', testFile] : args;
    return {
      stage: name,
      by,
      passesWithoutFault: async () => (await run(folder, again, limitMs)).passed,
    };
  }
  return undefined;
}

/** From the output of Vitest or of the simulation. */
const firstFailure = (output: string): string | undefined =>
  /^ *FAIL +(?:\|?\w+\|? +)?(\S+\.test\.ts.*)$|^BROKEN +(.*)$/m
    .exec(stripVTControlCharacters(output))
    ?.slice(1)
    .find((text) => text !== undefined)
    ?.trim();

/** Runs a command of Node. It passes if it ends well in time. Its child processes end with it. */
function run(
  cwd: string,
  args: readonly string[],
  limitMs: number,
): Promise<{ passed: boolean; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    const timer = setTimeout(() => end(child.pid), limitMs);
    child.once('error', reject);
    child.once('exit', (code) => {
      clearTimeout(timer);
      end(child.pid);
      const ended = () => resolve({ passed: code === 0, output });
      // A process that left the group could hold the pipes open for ever.
      const patience = setTimeout(ended, 1000);
      child.once('close', () => {
        clearTimeout(patience);
        ended();
      });
    });
  });
}

/** Ends a process and all that it has started. */
function end(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
