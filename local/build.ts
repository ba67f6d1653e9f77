import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type BuildResult, build, type Metafile, type Plugin } from 'esbuild';
import { FUNCTION_NAMES } from '../config/function-names.ts';
import { namespaceImports } from './namespace-imports.ts';
import { EXTENSION, OWN_AGENT, ROOT } from './places.ts';

/** What a deployment takes. */
export const BUNDLES = join(ROOT, 'dist', 'functions');

/** Some dependencies are CommonJS and call `require` for Node's modules, which does not exist in an ES module. */
export const REQUIRE =
  "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);";

export interface BuildOptions {
  /**
   * Source files of handlers by function, in groups. A group is bundled together: its shared modules are read once, and
   * each of its functions carries what any of them uses of a shared module.
   */
  groups: readonly Readonly<Record<string, string>>[];
  /** `<outdir>/<function>/index.mjs` and the chunks that it imports */
  outdir: string;
  /** The module that the turn function takes its agent from. @default - this project's own */
  agent?: string;
  /** Whether to write source maps. */
  sourceMaps?: boolean;
  /** What the bundler prints by itself. Errors are thrown as well. @default warning */
  logLevel?: 'warning' | 'silent';
  /** Whether to remove what earlier builds left. Not from a folder that a local cloud runs on: it loads chunks on demand. */
  clean?: boolean;
}

/**
 * Bundles handlers as they are deployed: self-contained ES modules for Lambda's Node 24. They are split at their
 * dynamic imports, so that a cold start reads only the model provider that it uses.
 * @returns what was read and written, for each group
 */
export async function buildFunctions(options: BuildOptions): Promise<Metafile[]> {
  return Promise.all(options.groups.map((handlers) => buildGroup(handlers, options)));
}

/**
 * Returns esbuild's metafiles of the bundles that `buildFunctions` would write: which module is in which file, and its
 * size.
 */
export async function inspectFunctions({ groups, outdir }: BuildOptions = project()): Promise<Metafile[]> {
  const results = await Promise.all(groups.map((handlers) => bundle(handlers, { outdir })));
  return results.map(({ metafile }) => metafile);
}

function bundle(
  handlers: Readonly<Record<string, string>>,
  { outdir, agent = OWN_AGENT, sourceMaps = false, logLevel = 'warning' }: Omit<BuildOptions, 'groups'>,
): Promise<BuildResult<{ metafile: true; write: false }>> {
  return build({
    absWorkingDir: ROOT,
    entryPoints: { ...handlers },
    outdir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    mainFields: ['module', 'main'],
    minify: true,
    sourcemap: sourceMaps && 'external',
    banner: { js: REQUIRE },
    logLevel,
    plugins: [theirAgent(agent), namespaceImports(dirname(agent))],
    metafile: true,
    write: false,
  });
}

async function buildGroup(
  handlers: Readonly<Record<string, string>>,
  options: BuildOptions,
): Promise<Metafile> {
  const { outdir, clean = false } = options;
  const { outputFiles, metafile } = await bundle(handlers, options);
  const contents = new Map(outputFiles.map((file) => [basename(file.path), file.contents]));
  const imports = importsByName(metafile);
  await Promise.all(
    Object.keys(handlers).map((name) => {
      const files = new Map<string, Uint8Array>();
      for (const file of reachable(`${name}.mjs`, imports)) {
        const target = file === `${name}.mjs` ? 'index.mjs' : file;
        for (const suffix of ['', '.map']) {
          const content = contents.get(file + suffix);
          if (content) files.set(target + suffix, content);
        }
      }
      return writeFolder(join(outdir, name), files, clean);
    }),
  );
  return metafile;
}

export function project(): BuildOptions {
  const source = (name: string) => join(ROOT, 'lambdas', name, `handler${EXTENSION}`);
  const light = FUNCTION_NAMES.filter((name) => name !== 'turn');
  return {
    // Only the turn function contains model providers. In one group, the others would carry their modules too.
    groups: [{ turn: source('turn') }, Object.fromEntries(light.map((name) => [name, source(name)]))],
    outdir: BUNDLES,
  };
}

/** Puts a team's agent in the place of this project's own, where the turn function imports it. */
const theirAgent = (agent: string): Plugin => ({
  name: 'their-agent',
  setup({ onResolve }) {
    onResolve({ filter: /\/agent\/agent\.[jt]s$/ }, ({ path, resolveDir }) =>
      join(resolveDir, path) === OWN_AGENT ? { path: agent } : undefined,
    );
  },
});

/** What is deployed. */
export const release = (): BuildOptions => ({ ...project(), sourceMaps: true, clean: true });

function importsByName({ outputs }: Metafile): Map<string, string[]> {
  return new Map(
    Object.entries(outputs).map(([path, { imports }]) => [
      basename(path),
      imports.filter(({ external }) => !external).map((imported) => basename(imported.path)),
    ]),
  );
}

/** Returns a file and all that it imports, statically or dynamically. */
function reachable(entry: string, imports: ReadonlyMap<string, string[]>): Set<string> {
  const reached = new Set([entry]);
  // Iterating over a set includes elements that are added meanwhile.
  for (const file of reached) for (const imported of imports.get(file) ?? []) reached.add(imported);
  return reached;
}

async function writeFolder(
  folder: string,
  files: ReadonlyMap<string, Uint8Array>,
  clean: boolean,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  // The entry is written last, because its chunks must exist before.
  const order = [...files].sort(([a], [b]) => Number(a === 'index.mjs') - Number(b === 'index.mjs'));
  for (const [name, content] of order) await writeIfChanged(join(folder, name), content);
  if (!clean) return;
  const left = (await readdir(folder)).filter((name) => !files.has(name));
  await Promise.all(left.map((name) => rm(join(folder, name), { recursive: true })));
}

/** Replaces a file by renaming: a process that starts meanwhile reads the old or the new file, and no part of one. */
async function writeIfChanged(path: string, content: Uint8Array): Promise<void> {
  const present = await readFile(path).catch(() => undefined);
  if (present && Buffer.compare(present, content) === 0) return;
  const draft = `${path}.${process.pid}.${Date.now()}`;
  await writeFile(draft, content);
  await rename(draft, path);
}
