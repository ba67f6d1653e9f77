import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

const MOST_LINES = 5;

/**
 * Checks the types of a project with its own compiler, and prints each error in one line. Does nothing where there is no compiler or
 * no tsconfig.json: types do not decide whether the agent runs.
 */
export async function checkTypes(folder: string, print: (line: string) => void): Promise<void> {
  const tsc = compilerOf(folder);
  if (tsc === undefined || !existsSync(join(folder, 'tsconfig.json'))) return;
  const child = spawn(process.execPath, [tsc, '--noEmit', '--pretty', 'false', '-p', folder], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const end = () => child.kill();
  process.once('exit', end);
  const [said] = await Promise.all([text(child.stdout), once(child, 'close')]);
  process.off('exit', end);
  // `agent/agent.ts(3,7): error TS2322: …`, and lines that explain, which are indented.
  const errors = said.split('\n').filter((line) => /\berror TS\d+:/.test(line));
  for (const line of errors.slice(0, MOST_LINES))
    print(line.replace(/^(.*)\((\d+),(\d+)\): error /, '$1:$2:$3: '));
  if (errors.length > MOST_LINES) print(`and ${errors.length - MOST_LINES} more type errors`);
}

function compilerOf(folder: string): string | undefined {
  try {
    const manifest = createRequire(join(folder, 'package.json')).resolve('typescript/package.json');
    return join(manifest, '..', 'bin', 'tsc');
  } catch {
    // A project without TypeScript.
    return undefined;
  }
}
