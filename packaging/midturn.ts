import { execFile } from 'node:child_process';
import { chmod, cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire, isBuiltin } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { build, type Metafile, type Plugin } from 'esbuild';
import { buildFunctions, release } from '../local/build.ts';
import { moduleGraph } from '../local/module-graph.ts';
import { buildPage, PAGE_FOLDER } from '../local/page-build.ts';
import { manifestOf, type Root } from './manifest.ts';

const ROOT = join(import.meta.dirname, '..');

/** Where types of the package begin: what its users import. */
const PUBLIC = ['infra/index.ts', 'model/agent/index.ts'];
/** What the package starts by a path of its own, or bundles for a user. */
const STARTED = [
  'cli/main.ts',
  'local/bundle-agent.ts',
  'local/functions/runtime.ts',
  'lambdas/turn/handler.ts',
];
/** The team's own takes its place. */
const AGENT = 'agent/agent.ts';

/**
 * Writes the package `midturn` into a folder: the modules of this project that it needs, each as JavaScript in its own place, types of
 * what is imported, the functions without an agent as bundles, and the page.
 */
export async function writeMidturn(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  // Which modules belong to the package, and which packages they import.
  const metafile = await moduleGraph([...PUBLIC, ...STARTED]);
  const sources = Object.keys(metafile.inputs)
    .filter((path) => path !== AGENT && !path.startsWith(`${dirname(AGENT)}/`))
    .sort();
  await Promise.all([
    transpile(sources, folder),
    declareTypes(PUBLIC, folder),
    bundles(join(folder, 'dist', 'functions')),
    page(join(folder, 'web', 'dist')),
    ...['LICENSE', 'CHANGELOG.md'].map((name) => cp(join(ROOT, name), join(folder, name))),
    cp(join(import.meta.dirname, 'README.md'), join(folder, 'README.md')),
  ]);
  const root: Root = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
  const manifest = manifestOf(root, packagesIn(metafile));
  await writeFile(join(folder, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
  await chmod(join(folder, 'cli', 'main.js'), 0o755);
}

function packagesIn({ inputs }: Metafile): string[] {
  const names = Object.values(inputs)
    .flatMap(({ imports }) => imports)
    .filter(({ external, path }) => external && !isBuiltin(path))
    .map(({ path }) => path.split('/', path.startsWith('@') ? 2 : 1).join('/'));
  return [...new Set(names)].sort();
}

/** Each module by itself, so that a stack trace names the file that the repository has. */
async function transpile(sources: readonly string[], outdir: string): Promise<void> {
  await build({
    absWorkingDir: ROOT,
    entryPoints: [...sources],
    outbase: ROOT,
    outdir,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node22',
    packages: 'external',
    plugins: [apart],
    logLevel: 'warning',
  });
}

/** Leaves imports of other modules as they are, but for their extension. */
const apart: Plugin = {
  name: 'apart',
  setup({ onResolve }) {
    onResolve({ filter: /^\.{1,2}\// }, ({ path, kind }) =>
      kind === 'entry-point' ? undefined : { path: path.replace(/\.tsx?$/, '.js'), external: true },
    );
  },
};

/** Declarations of these modules and of all that their types need. */
async function declareTypes(entries: readonly string[], outDir: string): Promise<void> {
  const config = join(outDir, 'tsconfig.json');
  const compilerOptions = {
    noEmit: false,
    declaration: true,
    emitDeclarationOnly: true,
    rootDir: ROOT,
    typeRoots: [join(ROOT, 'node_modules', '@types')],
    outDir,
    listEmittedFiles: true,
  };
  await writeFile(
    config,
    JSON.stringify({
      extends: join(ROOT, 'tsconfig.json'),
      compilerOptions,
      files: entries.map((entry) => join(ROOT, entry)),
      include: [],
    }),
  );
  const tsc = join(createRequire(import.meta.url).resolve('typescript/package.json'), '..', 'bin', 'tsc');
  const { stdout } = await promisify(execFile)(process.execPath, [tsc, '-p', config], {
    cwd: ROOT,
    maxBuffer: 2 ** 24,
  });
  await rm(config);
  for (const file of stdout.match(/(?<=^TSFILE: ).*\.d\.ts$/gm) ?? []) {
    const path = join(outDir, relative(outDir, file));
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.replaceAll(/(['"])(\.{1,2}\/[^'"]*)\.ts\1/g, '$1$2.js$1'));
  }
}

async function bundles(outdir: string): Promise<void> {
  const { groups, ...options } = release();
  const light = groups.map(({ turn: _, ...others }) => others);
  await buildFunctions({ ...options, groups: light, outdir, sourceMaps: false });
}

async function page(folder: string): Promise<void> {
  await buildPage();
  await cp(PAGE_FOLDER, folder, { recursive: true, filter: (file) => !file.endsWith('.map') });
}
