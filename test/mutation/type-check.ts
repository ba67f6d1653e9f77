import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');

/**
 * Type-checks changed copies of source files, all at once: each copy is a name and its changed files, by their paths. A
 * copy's imports lead to the project's own files.
 *
 * @param area the folder whose compiler options count
 * @returns the compiler's errors, a line each
 */
export async function typeCheck(
  copies: ReadonlyMap<string, ReadonlyMap<string, string>>,
  area = '.',
): Promise<string[]> {
  await mkdir(join(ROOT, 'dist'), { recursive: true });
  const folder = await mkdtemp(join(ROOT, 'dist', 'mutation-'));
  try {
    const files: string[] = [];
    for (const [name, changed] of copies) {
      for (const [file, text] of changed) {
        const path = join(folder, name, file);
        await mkdir(dirname(path), { recursive: true });
        await writeFile(path, text);
        files.push(path);
      }
    }
    const config = {
      extends: join(ROOT, area, 'tsconfig.json'),
      compilerOptions: {
        // The compiler looks for an import in each of these folders, the project's first.
        rootDirs: [ROOT, ...[...copies.keys()].map((name) => join(folder, name))],
        // A fault may leave a name unused.
        noUnusedLocals: false,
        noUnusedParameters: false,
      },
      include: [],
      files,
    };
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config));
    return await compile(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/**
 * The names of the copies that do not compile. The compiler looks at no types where any file is not even parsed, so it is asked
 * again without those that it has rejected.
 */
export async function failingCopies(
  copies: ReadonlyMap<string, ReadonlyMap<string, string>>,
  area = '.',
): Promise<ReadonlySet<string>> {
  const failing = new Set<string>();
  for (let before = -1; before < failing.size && failing.size < copies.size; ) {
    before = failing.size;
    const left = new Map([...copies].filter(([name]) => !failing.has(name)));
    for (const error of await typeCheck(left, area)) {
      const name = /[/\\]mutation-[^/\\]+[/\\]([^/\\]+)[/\\]/.exec(error)?.[1];
      if (name !== undefined && copies.has(name)) failing.add(name);
    }
  }
  return failing;
}

/** Throws if the compiler itself failed: then nothing is known, and silence would mean that all compiles. */
function compile(folder: string): Promise<string[]> {
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
  const options = { cwd: ROOT, maxBuffer: 1 << 28 };
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [tsc, '--noEmit', '-p', folder], options, (error, stdout) => {
      const lines = stdout.split('\n').filter((line) => line !== '');
      if (!error) resolve([]);
      else if (typeof error.code === 'number' && lines.some((line) => /error TS\d+/.test(line)))
        resolve(lines);
      else reject(error);
    });
  });
}
