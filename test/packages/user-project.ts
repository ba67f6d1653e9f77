import { type ChildProcessByStdio, execFile, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import type { NpmRegistry } from '../support/npm-registry.ts';
import { LONG_WAIT_MS } from '../support/timeouts.ts';

const ROOT = join(import.meta.dirname, '..', '..');

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

/** A project of somebody who has never seen this repository, with the packed packages in it. */
export interface UserProject {
  folder: string;
  /** The same project, run by another Node. @param program the path of that Node */
  on(program: string): UserProject;
  /** Writes a file, with the folders that it needs. */
  write(path: string, text: string): Promise<void>;
  /** Runs a module of a package, or of the project. */
  node(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ended>;
  /** Runs npm, with a cache of the project's own and no registry but that of the test. */
  npm(...args: string[]): Promise<Ended>;
  /** Runs a binary of `node_modules/.bin`. */
  bin(name: string, args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ended>;
  /** Starts `midturn` with these arguments, for as long as a test needs it. */
  start(args: readonly string[], env?: Readonly<Record<string, string>>): Running;
}

/** A program that runs. */
export interface Running {
  /** What it has printed, both streams together. */
  lines: readonly string[];
  /** Its first line that matches, printed already or still to come, from `from` on. */
  line(pattern: RegExp, from?: number): Promise<string>;
  /** Stops it, and waits for its end. */
  stop(): Promise<void>;
}

interface NpmOptions {
  registry: NpmRegistry;
  /** Folder of npm's cache, which several projects may share. */
  cache: string;
}

/** A project in a folder, whose npm knows no registry but that of a test. */
export const projectWithNpm = (folder: string, { registry, cache }: NpmOptions): UserProject =>
  userProject(folder, {
    npm_config_registry: registry.url,
    npm_config_cache: cache,
    // Of the user who runs the test: npm takes a file that does not exist for an empty one.
    npm_config_userconfig: join(cache, 'npmrc'),
    npm_config_audit: 'false',
    npm_config_update_notifier: 'false',
  });

/**
 * Installs tarballs as a user does: `npm install` in an empty folder. Its other packages come from a registry on this machine, and are
 * what their ranges and peers resolve to.
 * @param folder an empty one
 */
export async function installTarballs(
  folder: string,
  tarballs: readonly string[],
  options: NpmOptions,
): Promise<UserProject> {
  const project = projectWithNpm(folder, options);
  const { code, stdout, stderr } = await project.npm('install', ...tarballs);
  if (code !== 0) throw new Error(`npm install ended with exit code ${code}:\n${stdout}${stderr}`);
  return project;
}

/**
 * Unpacks tarballs without npm. All other packages are those of this repository, by links: for tests that are not about the installation.
 * @param folder an empty one
 */
export async function unpackTarballs(folder: string, tarballs: readonly string[]): Promise<UserProject> {
  const modules = join(folder, 'node_modules');
  await mkdir(modules, { recursive: true });
  for (const name of await readdir(join(ROOT, 'node_modules'))) {
    if (!['.cache', '.package-lock.json', '.vite'].includes(name))
      await symlink(join(ROOT, 'node_modules', name), join(modules, name));
  }
  for (const tarball of tarballs) {
    const name = /([a-z-]+)-\d[^/]*\.tgz$/.exec(tarball)?.[1] ?? '';
    await mkdir(join(modules, name));
    await promisify(execFile)('tar', ['-xzf', tarball, '--strip-components=1', '-C', join(modules, name)]);
  }
  return userProject(folder, {});
}

function userProject(
  folder: string,
  npmSettings: Readonly<Record<string, string>>,
  program = process.execPath,
): UserProject {
  const modules = join(folder, 'node_modules');
  const run = (name: string, args: readonly string[], env: Readonly<Record<string, string>>) => {
    const options = { cwd: folder, env: environment(env, program), maxBuffer: 2 ** 26 };
    return promisify(execFile)(name, [...args], options).then(
      (output) => ({ code: 0, ...output }),
      (failure) => failure,
    );
  };
  const node: UserProject['node'] = (args, env = {}) => run(program, args, env);
  return {
    folder,
    on: (other) => userProject(folder, npmSettings, other),
    async write(path, text) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text);
    },
    node,
    npm: (...args) => run('npm', args, npmSettings),
    bin: (name, args, env) => node([binary(modules, name), ...args], env),
    start: (args, env = {}) =>
      running(
        spawn(program, [binary(modules, 'midturn'), ...args], {
          cwd: folder,
          env: environment(env, program),
          stdio: ['ignore', 'pipe', 'pipe'],
        }),
      ),
  };
}

/** Nothing of the test run: a user has neither its Node options nor its settings. `node` is the one that runs the project. */
function environment(env: Readonly<Record<string, string>>, program: string): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !/^(MIDTURN_|VITEST|NODE_|npm_)/.test(name));
  const PATH = [dirname(program), process.env.PATH].join(delimiter);
  return { ...Object.fromEntries(own), PATH, ...env };
}

function running(child: ChildProcessByStdio<null, Readable, Readable>): Running {
  const lines: string[] = [];
  const news = new EventEmitter();
  for (const input of [child.stdout, child.stderr]) {
    createInterface({ input }).on('line', (line) => {
      lines.push(line);
      news.emit('line');
    });
  }
  const ended = once(child, 'close').finally(() => news.emit('line'));
  return {
    lines,
    async line(pattern, from = 0) {
      const signal = AbortSignal.timeout(Math.ceil(LONG_WAIT_MS));
      for (;;) {
        const line = lines.slice(from).find((one) => pattern.test(one));
        if (line !== undefined) return line;
        if (child.exitCode !== null) throw new Error(`It has ended:\n${lines.join('\n')}`);
        await once(news, 'line', { signal }).catch(() => {
          throw new Error(`It has not printed ${pattern}:\n${lines.join('\n')}`);
        });
      }
    },
    async stop() {
      child.kill();
      await ended;
    },
  };
}

function binary(modules: string, name: string): string {
  // Of an unpacked tarball, npm has made no link.
  const unpacked = name === 'midturn' ? join(modules, 'midturn', 'cli', 'main.js') : '';
  const path = [join(modules, '.bin', name), unpacked].find(existsSync) ?? '';
  if (path === '') throw new Error(`${modules} has no binary ${name}.`);
  return path;
}
