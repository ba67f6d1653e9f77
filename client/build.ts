import { execFile } from 'node:child_process';
import { glob, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { wireTypes } from './packaging/wire-types.ts';

const HERE = import.meta.dirname;
const ENTRIES = [
  'index.ts',
  'ai-sdk/index.ts',
  'react/index.ts',
  'files.ts',
  'fork.ts',
  'elicitation.ts',
  'display.ts',
  'text-player.ts',
  'fitting-image.ts',
];

/** Builds the package's code and types into `outdir`, which is emptied first. */
export async function buildClient(outdir = join(HERE, 'dist')): Promise<void> {
  await rm(outdir, { recursive: true, force: true });
  await Promise.all([buildCode(outdir), buildTypes(outdir)]);
}

/** Bundles the code. It is not minified: applications minify it themselves, and readable code helps to debug. */
async function buildCode(outdir: string): Promise<void> {
  await build({
    entryPoints: ENTRIES.map((entry) => join(HERE, entry)),
    outbase: HERE,
    outdir,
    bundle: true,
    // Shared code is in one chunk, so that all entries export the same error classes.
    splitting: true,
    chunkNames: 'shared-[hash]',
    format: 'esm',
    // With this platform, an import of a Node module fails the build.
    platform: 'browser',
    // The application's own: two copies of React do not work together.
    external: ['react'],
    target: 'es2022',
    logLevel: 'warning',
  });
}

async function buildTypes(outdir: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'midturn-types-'));
  try {
    await declare(folder);
    const declarations = join(folder, 'client');
    for await (const name of glob('**/*.d.ts', { cwd: declarations })) {
      const text = await readFile(join(declarations, name), 'utf8');
      const wire = relative(dirname(resolve(outdir, name)), resolve(outdir, 'wire.js'));
      await writeInto(join(outdir, name), withOutputPaths(text, wire.startsWith('.') ? wire : `./${wire}`));
    }
    await writeInto(join(outdir, 'wire.d.ts'), wireTypes());
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function declare(outDir: string): Promise<void> {
  const config = join(outDir, 'tsconfig.json');
  await writeFile(
    config,
    JSON.stringify({
      extends: join(HERE, 'tsconfig.json'),
      compilerOptions: {
        noEmit: false,
        declaration: true,
        emitDeclarationOnly: true,
        rootDir: join(HERE, '..'),
        outDir,
        types: [],
      },
      files: ENTRIES.map((entry) => join(HERE, entry)),
      include: [],
    }),
  );
  const tsc = join(createRequire(import.meta.url).resolve('typescript/package.json'), '..', 'bin', 'tsc');
  await promisify(execFile)(process.execPath, [tsc, '-p', config]);
}

/** Rewrites imports of declarations to the published files. The schemas are not published, only their plain types. */
function withOutputPaths(text: string, wire: string): string {
  return text
    .replaceAll(/'(?:\.\.\/)+protocol\/[\w-]+\.ts'/g, `'${wire}'`)
    .replaceAll(/'(\.{1,2}\/[\w/-]+)\.ts'/g, "'$1.js'");
}

async function writeInto(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}
