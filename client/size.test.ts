import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { expect, it } from 'vitest';

const LIMIT_BYTES = 12 * 1024;

it('the client is at most 12 KB gzipped, and needs nothing but a browser', async () => {
  const { outputFiles, metafile } = await build({
    entryPoints: [`${import.meta.dirname}/index.ts`],
    bundle: true,
    minify: true,
    format: 'esm',
    // With this platform, an import of a Node module fails the build.
    platform: 'browser',
    write: false,
    metafile: true,
  });
  // The rules for ids and for invisible characters are the server's own. Nothing else of the wire is code.
  const shared = ['protocol/ids.ts', 'protocol/text.ts'];
  const foreign = Object.keys(metafile.inputs).filter(
    (path) => !path.startsWith('client/') && !shared.includes(path),
  );
  expect(foreign).toEqual([]);
  const bytes = outputFiles.reduce((sum, file) => sum + gzipSync(file.contents, { level: 9 }).length, 0);
  expect(bytes).toBeLessThanOrEqual(LIMIT_BYTES);
});
