import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { transformAsync } from '@babel/core';
import { build } from 'esbuild';

const require = createRequire(import.meta.url);
const FOLDERS: Partial<Record<NodeJS.Platform, string>> = { linux: 'linux64-bin', darwin: 'osx-bin' };

/** Hermes 0.12 of npm: the engine of React Native 0.70. Undefined where the package has no binary for this machine. */
export function hermes(): string | undefined {
  const folder = FOLDERS[process.platform];
  if (!folder || (process.platform === 'linux' && process.arch !== 'x64')) return undefined;
  return join(require.resolve('hermes-engine-cli/package.json'), '..', folder, 'hermes');
}

/**
 * Compiles a module as React Native does, and runs it in Hermes.
 * @param source a module; its imports are resolved from `client`
 * @param folder where the compiled file is put
 * @returns what it printed, line by line
 */
export async function runInHermes(engine: string, source: string, folder: string): Promise<string[]> {
  const script = join(folder, 'script.js');
  await writeFile(script, await compiled(source));
  // A failure of the script itself ends with another code than 0.
  const { stdout } = await promisify(execFile)(engine, ['-O', script], { maxBuffer: 1e8 });
  return stdout.split('\n').filter((line) => line !== '');
}

async function compiled(source: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: join(import.meta.dirname, '..'), loader: 'ts' },
    bundle: true,
    write: false,
    // Files of tests are there for what they do.
    ignoreAnnotations: true,
    format: 'iife',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    alias: {
      vitest: join(import.meta.dirname, 'vitest.ts'),
      'node:timers/promises': join(import.meta.dirname, 'timers.ts'),
    },
    // What is newer than Hermes is left to Babel, as in an application.
    target: 'esnext',
    logLevel: 'warning',
  });
  const result = await transformAsync(outputFiles[0]?.text ?? '', {
    babelrc: false,
    configFile: false,
    presets: [
      [
        require.resolve('@react-native/babel-preset'),
        // Everything that a Hermes of npm cannot parse: classes, above all.
        {
          unstable_transformProfile: 'default',
          enableBabelRuntime: false,
          disableImportExportTransform: true,
        },
      ],
    ],
  });
  if (!result?.code) throw new Error('Babel gave no code.');
  return result.code;
}
