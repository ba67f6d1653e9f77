import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export const ROOT = join(import.meta.dirname, '../..');

/** Asks Git, in the project. @returns the lines of its answer */
export const git = (...args: readonly string[]): string[] =>
  execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', maxBuffer: 1 << 28 })
    .split('\n')
    .filter((line) => line !== '');

/**
 * Copies the project as it is on disk, without what Git ignores, into a temporary folder. Packages are those of the project.
 * Removed at the end of its scope.
 */
export function copyProject(): Disposable & { readonly folder: string } {
  const folder = mkdtempSync(join(tmpdir(), 'midturn-mutants-'));
  const removed = new Set(git('ls-files', '--deleted'));
  for (const file of git('ls-files', '--cached', '--others', '--exclude-standard')) {
    if (removed.has(file)) continue;
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    cpSync(join(ROOT, file), join(folder, file));
  }
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  return { folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }) };
}
