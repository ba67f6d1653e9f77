import { readFile } from 'node:fs/promises';
import { extname, sep } from 'node:path';
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

const SDK = /[\\/]node_modules[\\/](?:ai|@ai-sdk)[\\/]/;

/**
 * The files with such imports: those of the AI SDK, and of the agent. Other files are not read a second time.
 * @param agentFolder an agent's tools are in it, or below
 */
export function namespaceImports(agentFolder: string): Plugin {
  const folder = agentFolder + sep;
  const ofTheAgent = folder.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  return {
    name: 'namespace-imports',
    setup({ onLoad }) {
      onLoad(
        { filter: new RegExp(`(?:${SDK.source}|^${ofTheAgent}).*\\.(?:m?js|ts)$`) },
        async ({ path }) => {
          if (path.includes(`${sep}node_modules${sep}`) && !SDK.test(path)) return undefined;
          const source = await readFile(path, 'utf8');
          return { contents: asNamespaceImports(source), loader: extname(path) === '.ts' ? 'ts' : 'js' };
        },
      );
    },
  };
}
