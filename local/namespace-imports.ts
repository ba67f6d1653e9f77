import { readFile } from 'node:fs/promises';
import { extname, join, sep } from 'node:path';
import type { Plugin } from 'esbuild';

/**
 * With `import { z } from 'zod'`, esbuild keeps the whole package: 350 KB of a turn's 1.1 MB, mostly error messages in
 * sixty languages. With `import * as z`, which has the same exports, it drops the unused ones. Rollup and Webpack do so
 * with both forms.
 */
const VALUE_IMPORT = /\bimport\s*\{\s*z(?:\s+as\s+(\w+))?\s*\}\s*from\s*('zod(?:\/v4)?'|"zod(?:\/v4)?")/g;

export const asNamespaceImports = (source: string): string =>
  source.replace(
    VALUE_IMPORT,
    (_all, name: string | undefined, from: string) => `import * as ${name ?? 'z'} from ${from}`,
  );

/**
 * The files with such imports: those of the AI SDK, and tools of the project's agent. Other files are not read a second
 * time.
 */
export function namespaceImports(root: string): Plugin {
  const agent = join(root, 'agent') + sep;
  return {
    name: 'namespace-imports',
    setup({ onLoad }) {
      onLoad(
        { filter: /[\\/](?:node_modules[\\/](?:ai|@ai-sdk)|agent)[\\/].*\.(?:m?js|ts)$/ },
        async ({ path }) => {
          if (!path.includes('node_modules') && !path.startsWith(agent)) return undefined;
          const source = await readFile(path, 'utf8');
          return { contents: asNamespaceImports(source), loader: extname(path) === '.ts' ? 'ts' : 'js' };
        },
      );
    },
  };
}
