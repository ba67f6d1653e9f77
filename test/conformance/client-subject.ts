import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { build } from 'esbuild';
import type { Result } from '../../conformance/result.ts';

/** A change to the client's source. `from` stands in the file once. */
export interface TextEdit {
  file: string;
  from: string;
  to: string;
}

/** Bundles the driver of this project's client, with these edits in its source. @returns the command that starts it */
export async function buildDriver(outfile: string, edits: readonly TextEdit[] = []): Promise<string[]> {
  const made = new Set<TextEdit>();
  await build({
    entryPoints: [join(import.meta.dirname, 'client-driver.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'warning',
    plugins: [
      {
        name: 'edits',
        setup({ onLoad }) {
          onLoad({ filter: /\/client\/[\w-]+\.ts$/ }, async ({ path }) => {
            let contents = await readFile(path, 'utf8');
            for (const edit of edits) {
              if (edit.file !== basename(path)) continue;
              const [before, after, ...more] = contents.split(edit.from);
              if (before === undefined || after === undefined || more.length > 0)
                throw new Error(`${edit.file} must have this once: ${edit.from}`);
              contents = before + edit.to + after;
              made.add(edit);
            }
            return { contents, loader: 'ts' };
          });
        },
      },
    ],
  });
  if (made.size < edits.length) throw new Error('An edit names a file that the client does not have.');
  return [process.execPath, outfile];
}

export const notPassed = (results: readonly Result[]) =>
  results.flatMap(({ rule, outcome, reason }) =>
    outcome === 'passed' ? [] : [{ name: rule.name, outcome, reason }],
  );
