import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';

const ROOT = join(import.meta.dirname, '..', '..');

/** Whose packages the registry has: those of this project, and other versions that its packages are tested with. */
const LOCKS = ['package-lock.json', 'test/packages/versions/package-lock.json'];

/** An npm registry on this machine. */
export interface NpmRegistry {
  /** `http://127.0.0.1:…/` */
  url: string;
  close(): Promise<void>;
}

/** What npm reads of a version before it installs it. `package-lock.json` has the same fields. */
interface Version extends Record<string, unknown> {
  name: string;
  version: string;
  /** `sha512-…` of its tarball. */
  integrity: string;
}

/** The fields of a lock's entry that are of the lock, not of the package. */
const OF_THE_LOCK = ['dev', 'optional', 'devOptional', 'peer', 'resolved', 'integrity', 'link', 'inBundle'];

/**
 * Starts a registry that has the packed packages, and of all other packages the versions that the lock files name. It has their tarballs from npm's cache, which `npm ci` has filled; one that the cache has lost is asked of
 * the registry that npm is set to. So an installation needs no other network, and resolves ranges and peers as for anybody.
 */
export async function startRegistry(packed: readonly string[]): Promise<NpmRegistry> {
  const [locked, ours, npm] = await Promise.all([lockedVersions(), readTarballs(packed), npmSettings()]);
  const versions = [...ours.keys(), ...locked];
  const bytesOf = new Map([...ours].map(([{ integrity }, bytes]) => [integrity, bytes]));
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.writeHead(502).end(String(error)));
  });

  async function answer({ url = '/', headers }: IncomingMessage, response: ServerResponse): Promise<void> {
    const name = decodeURIComponent(url.slice(1));
    const [, , digest] = url.split('/');
    if (url.startsWith('/-/') && digest) {
      const version = versions.find(({ integrity }) => hexOf(integrity) === digest);
      if (!version) return void response.writeHead(404).end();
      response.end(bytesOf.get(version.integrity) ?? (await tarballOf(version, npm)));
      return;
    }
    const found = versions.filter((version) => version.name === name);
    if (found.length === 0) return void response.writeHead(404).end('{"error":"not_found"}');
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(packumentOf(name, found, `http://${headers.host}`)));
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** What a registry answers for the name of a package. Source: "Package metadata", npm registry documentation. */
function packumentOf(name: string, found: readonly Version[], origin: string): object {
  const newest = found.toSorted((a, b) => a.version.localeCompare(b.version, 'en', { numeric: true })).at(-1);
  const versions = found.map(({ integrity, ...manifest }) => {
    const tarball = `${origin}/-/${hexOf(integrity)}/${basename(name)}-${manifest.version}.tgz`;
    return [manifest.version, { ...manifest, dist: { tarball, integrity } }];
  });
  return { name, 'dist-tags': { latest: newest?.version }, versions: Object.fromEntries(versions) };
}

async function lockedVersions(): Promise<Version[]> {
  const found = new Map<string, Version>();
  const entries = await Promise.all(
    LOCKS.map(async (lock) =>
      Object.entries<Record<string, string>>(JSON.parse(await readFile(join(ROOT, lock), 'utf8')).packages),
    ),
  );
  for (const [path, entry] of entries.flat()) {
    const { integrity, version } = entry;
    const name = entry.name ?? path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
    if (integrity === undefined || version === undefined) continue;
    const manifest = Object.entries(entry).filter(([field]) => !OF_THE_LOCK.includes(field));
    found.set(`${name}@${version}`, { ...Object.fromEntries(manifest), name, version, integrity });
  }
  return [...found.values()];
}

async function readTarballs(paths: readonly string[]): Promise<Map<Version, Buffer>> {
  const read = paths.map(async (path): Promise<[Version, Buffer]> => {
    const { stdout } = await promisify(execFile)('tar', ['-xzOf', path, 'package/package.json']);
    const bytes = await readFile(path);
    return [{ ...JSON.parse(stdout), integrity: integrityOf(bytes) }, bytes];
  });
  return new Map(await Promise.all(read));
}

interface NpmSettings {
  cache: string;
  registry: string;
}

async function npmSettings(): Promise<NpmSettings> {
  const { stdout } = await promisify(execFile)('npm', ['config', 'list', '--json'], { cwd: ROOT });
  const { cache, registry } = JSON.parse(stdout);
  return { cache, registry };
}

/**
 * npm's cache keeps the bytes of a tarball under their hash (cacache, "content-v2").
 * @throws {Error} if neither npm's cache nor its registry has the bytes
 */
async function tarballOf({ name, version, integrity }: Version, npm: NpmSettings): Promise<Buffer> {
  const hex = hexOf(integrity);
  const path = join(
    npm.cache,
    '_cacache',
    'content-v2',
    'sha512',
    hex.slice(0, 2),
    hex.slice(2, 4),
    hex.slice(4),
  );
  const cached = await readFile(path).catch(() => undefined);
  if (cached) return cached;
  const url = new URL(`${name}/-/${basename(name)}-${version}.tgz`, npm.registry);
  const fetched = await fetch(url).catch((error: unknown) => String(error));
  const bytes =
    typeof fetched !== 'string' && fetched.ok ? Buffer.from(await fetched.arrayBuffer()) : undefined;
  if (bytes && integrityOf(bytes) === integrity) return bytes;
  const why = typeof fetched === 'string' ? fetched : fetched.status;
  throw new Error(
    `${name}@${version} is neither in npm's cache (${npm.cache}) nor at ${npm.registry} (${why}): \`npm ci\` fills the cache.`,
  );
}

const integrityOf = (bytes: Buffer) => `sha512-${createHash('sha512').update(bytes).digest('base64')}`;
const hexOf = (integrity: string) => Buffer.from(integrity.replace(/^sha512-/, ''), 'base64').toString('hex');
