import { spawn } from 'node:child_process';

/** Tests that a fault is tried on, one stage after the other. */
interface Stage {
  name: string;
  /** The files whose faults it can show. */
  of: RegExp;
  command(file: string): readonly string[];
  /** A fault may run for ever. Then the stage has shown it. */
  limitMs: number;
}

const VITEST = 'node_modules/vitest/vitest.mjs';
/** Types make a wrong argument a fault that nobody can commit, so that the check is no stage. */
export const STAGES: readonly Stage[] = [
  {
    name: 'simulation',
    of: /^(core|protocol)\//,
    command: () => ['test/simulation/main.ts', '--count', '400', '--jobs', '2'],
    limitMs: 60_000,
  },
  {
    name: 'unit tests',
    of: /./,
    command: (file) => [
      VITEST,
      'related',
      file,
      '--run',
      '--project=fast',
      '--bail=1',
      '--exclude=test/simulation/**',
      '--exclude=bench/**',
    ],
    limitMs: 300_000,
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
    ],
    limitMs: 900_000,
  },
];

/**
 * Runs the stages for a file in a copy of the project, until one fails.
 * @returns the stage that failed; undefined: all passed
 */
export async function showFault(folder: string, file: string, stages = STAGES): Promise<string | undefined> {
  for (const { name, of, command, limitMs } of stages)
    if (of.test(file) && !(await passes(folder, command(file), limitMs))) return name;
  return undefined;
}

/** Whether a command ends well in time. Its child processes end with it. */
function passes(cwd: string, args: readonly string[], limitMs: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd, stdio: 'ignore', detached: true });
    const timer = setTimeout(() => end(child.pid), limitMs);
    child.once('error', reject);
    child.once('exit', (code) => {
      clearTimeout(timer);
      end(child.pid);
      resolve(code === 0);
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
