import { readFile } from 'node:fs/promises';
import { extname, join, sep } from 'node:path';
import type { Plugin } from 'esbuild';

/**
 * `import { z } from 'zod'` takes the package as one value, and esbuild then keeps all of it: 350 KB of a turn's 1.1 MB,
 * most of them error messages in sixty languages. `import * as z` names the same exports, and what nobody uses can be
 * left out. Rollup and Webpack see through the first form by themselves.
 */
const VALUE_IMPORT = /\bimport\s*\{\s*z(?:\s+as\s+(\w+))?\s*\}\s*from\s*('zod(?:\/v4)?'|"zod(?:\/v4)?")/g;

export const asNamespaceImports = (source: string): string =>
  source.replace(
    VALUE_IMPORT,
    (_all, name: string | undefined, from: string) => `import * as ${name ?? 'z'} from ${from}`,
  );

/** Where such imports are: the AI SDK, and the tools of the project's agent. Other files need not be read twice. */
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
