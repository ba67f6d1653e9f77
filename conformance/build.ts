import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

/**
 * Bundles the kit into one file for Node 20 or later, with the protocol's schemas in it. Its package needs only `ws`.
 * Run it with the project's own Node, which reads TypeScript.
 */
export async function buildKit(outdir = join(import.meta.dirname, 'dist')): Promise<void> {
  await rm(outdir, { recursive: true, force: true });
  await build({
    entryPoints: [join(import.meta.dirname, 'main.ts')],
    outdir,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    external: ['ws'],
    logLevel: 'warning',
  });
}
