import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { shellWord } from '../chat/shell-word.ts';
import { AGENT_FILES, APP_FILES, IN_YOUR_STACK, PACKAGES, SCRIPTS } from './starter.ts';

/** `midturn init`: makes a project, or adds an agent to the CDK app that is there. It overwrites nothing. */

const USAGE = `usage: midturn init [folder]

In a folder without a cdk.json: a CDK app, an agent with a tool, its test, tsconfig.json, .gitignore and README.md.
In a CDK app: the agent and its test, and the packages that package.json lacks. Files that exist stay as they are.`;

class InitError extends Error {
  override readonly name = 'InitError';
}

type Manifest = Record<string, unknown> & {
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  scripts?: Record<string, string>;
};

/** @throws {InitError} if the folder's package.json is none, or of a project of CommonJS without a CDK app */
async function init(folder: string, say: (line: string) => void): Promise<void> {
  const isApp = existsSync(join(folder, 'cdk.json'));
  await writeManifest(folder, isApp, say);
  for (const [path, text] of Object.entries(isApp ? AGENT_FILES : { ...APP_FILES, ...AGENT_FILES })) {
    const made = await writeNew(join(folder, path), text);
    say(`${made ? 'made' : 'kept'} ${path}`);
  }
  const where = relative(process.cwd(), folder);
  say('');
  if (isApp) say(`Put this into a stack of your app:\n\n${IN_YOUR_STACK}\n`);
  say(`Then:${where === '' ? '' : ` cd ${shellWord(where)} &&`} npm install && npx midturn dev`);
}

/** @returns whether there was no such file */
async function writeNew(path: string, text: string): Promise<boolean> {
  await mkdir(dirname(path), { recursive: true });
  try {
    await writeFile(path, text, { flag: 'wx' });
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

/** Adds what package.json lacks. */
async function writeManifest(folder: string, isApp: boolean, say: (line: string) => void): Promise<void> {
  const path = join(folder, 'package.json');
  const present = await readManifest(path);
  if (!isApp && present?.type !== undefined && present.type !== 'module') {
    throw new InitError(
      `${path} says "type": "${present.type}", and the files of the app are ES modules. Set it to "module", or name a new folder.`,
    );
  }
  const manifest: Manifest = present ?? { name: nameFor(folder), private: true, type: 'module' };
  const versions = await starterVersions();
  const has = (name: string) =>
    manifest.dependencies?.[name] !== undefined || manifest.devDependencies?.[name] !== undefined;
  const added: string[] = [];
  if (!isApp) {
    if (manifest.type === undefined) added.push('type');
    manifest.type = 'module';
    if (Object.keys(SCRIPTS).some((name) => manifest.scripts?.[name] === undefined)) added.push('scripts');
    manifest.scripts = { ...SCRIPTS, ...manifest.scripts };
  }
  for (const kind of ['dependencies', 'devDependencies'] as const) {
    const names = [...PACKAGES[kind], ...(kind === 'dependencies' ? ['midturn'] : [])].filter(
      (name) => !has(name),
    );
    if (names.length === 0) continue;
    const all = {
      ...manifest[kind],
      ...Object.fromEntries(names.map((name) => [name, versions.get(name) ?? '*'])),
    };
    manifest[kind] = Object.fromEntries(Object.entries(all).sort());
    added.push(...names);
  }
  const text = `${JSON.stringify(manifest, undefined, 2)}\n`;
  if (present === undefined) {
    await mkdir(folder, { recursive: true });
    await writeNew(path, text);
    say('made package.json');
  } else if (added.length > 0) {
    await writeFile(path, text);
    say(`added to package.json: ${added.join(', ')}`);
  } else say('kept package.json');
}

async function readManifest(path: string): Promise<Manifest | undefined> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  try {
    return Object(JSON.parse(text));
  } catch (error) {
    throw new InitError(`${path}: ${error instanceof Error ? error.message : error}`);
  }
}

/** The name of the folder in the form that npm takes. */
const nameFor = (folder: string): string =>
  basename(folder)
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^-+|-+$/g, '') || 'chat';

/** Ranges of packages that this version was tested with. In a clone, the versions of the clone. */
async function starterVersions(): Promise<ReadonlyMap<string, string>> {
  const own = JSON.parse(await readFile(join(import.meta.dirname, '..', 'package.json'), 'utf8'));
  const versions = own.starter ?? { ...own.devDependencies, ...own.dependencies };
  return new Map([...Object.entries<string>(versions), ['midturn', `^${own.version}`]]);
}

async function main(): Promise<void> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { help: { type: 'boolean', default: false } },
  });
  if (values.help) {
    console.log(USAGE);
    return;
  }
  const [folder = '.', ...more] = positionals;
  if (more.length > 0) throw new TypeError('One folder is enough.');
  await init(resolve(folder), (line) => console.log(line));
}

main().catch((error: unknown) => {
  if (error instanceof InitError) {
    console.error(error.message);
    process.exitCode = 1;
    return;
  }
  // What parseArgs throws, too.
  if (!(error instanceof TypeError)) throw error;
  console.error(`${error.message}\n\n${USAGE}`);
  process.exitCode = 2;
});
