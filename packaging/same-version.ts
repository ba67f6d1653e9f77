import { readFile, writeFile } from 'node:fs/promises';

/** The last part of `npm run release`: the client and the lock file get the version that the tool has given to the package. */

interface Manifest {
  version: string;
  /** Of a lock file: the root is the one without a path. */
  packages?: Readonly<Record<string, object>>;
}

const read = async (path: string): Promise<Manifest> => JSON.parse(await readFile(path, 'utf8'));

const { version } = await read('package.json');
for (const path of ['client/package.json', 'package-lock.json']) {
  const manifest = await read(path);
  const { packages } = manifest;
  const changed = {
    ...manifest,
    version,
    ...(packages && { packages: { ...packages, '': { ...packages[''], version } } }),
  };
  await writeFile(path, `${JSON.stringify(changed, undefined, 2)}\n`);
}
console.log(`midturn and midturn-client are ${version} now: read CHANGELOG.md, and commit.`);
