import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { buildClient } from '../client/build.ts';
import { writeMidturn } from './midturn.ts';

const ROOT = join(import.meta.dirname, '..');

/**
 * Makes the packages `midturn` and `midturn-client` in a folder, and packs them.
 * @returns paths of the tarballs
 */
export async function pack(folder = join(ROOT, 'dist', 'packages')): Promise<string[]> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const [midturn, client] = [join(folder, 'midturn'), join(folder, 'midturn-client')];
  await Promise.all([writeMidturn(midturn), writeClient(client)]);
  return [await tarball(midturn, folder), await tarball(client, folder)];
}

async function writeClient(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const client = join(ROOT, 'client');
  const { scripts: _, ...manifest } = JSON.parse(await readFile(join(client, 'package.json'), 'utf8'));
  await writeFile(join(folder, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
  await cp(join(client, 'README.md'), join(folder, 'README.md'));
  await cp(join(ROOT, 'LICENSE'), join(folder, 'LICENSE'));
  await buildClient(join(folder, 'dist'));
}

/** npm sets all times to the same, so that the same files make the same bytes. */
export async function tarball(source: string, destination: string): Promise<string> {
  const { stdout } = await promisify(execFile)(
    'npm',
    ['pack', '--ignore-scripts', '--json', '--pack-destination', destination],
    { cwd: source, maxBuffer: 2 ** 24 },
  );
  const parsed: unknown = JSON.parse(stdout);
  const [packed] = Array.isArray(parsed) ? parsed : Object.values(parsed as object);
  return join(destination, packed.filename);
}
