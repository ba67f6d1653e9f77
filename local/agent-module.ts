import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { REQUIRE } from './build.ts';
import { LocalCloudError } from './errors.ts';
import { CACHE } from './places.ts';

/** What the module of an agent exports, as far as it is looked at before a turn runs. */
export interface AgentModule {
  agent?: NamedModels | { agents: ReadonlyMap<string, NamedModels> };
}

export interface NamedModels {
  model?: unknown;
  fallbackModel?: unknown;
  prices?: unknown;
  tools?: Readonly<Record<string, Forwarding>>;
  mcp?: Readonly<Record<string, Forwarding>>;
}

interface Forwarding {
  forwardToken?: boolean;
}

/**
 * Loads the module of an agent as it is now, in any Node: bundled with all that it imports, into a file that is removed at once.
 * @throws {LocalCloudError} with the bundler's message, in one line for each error
 * @throws whatever the module throws
 */
export async function loadAgent(path: string): Promise<AgentModule> {
  const file = join(CACHE, 'agents', `${randomUUID()}.mjs`);
  await mkdir(join(CACHE, 'agents'), { recursive: true });
  try {
    await build({
      entryPoints: [path],
      outfile: file,
      bundle: true,
      platform: 'node',
      format: 'esm',
      mainFields: ['module', 'main'],
      banner: { js: REQUIRE },
      logLevel: 'silent',
    }).catch((error: unknown) => {
      throw bundlerError(error);
    });
    return await import(pathToFileURL(file).href);
  } finally {
    await rm(file, { force: true });
  }
}

/** An error of the bundler: `agent/agent.ts:3:7: Expected ";" but found "x"`, a line for each. Others stay as they are. */
export function bundlerError(error: unknown): unknown {
  if (!(error instanceof Error && 'errors' in error && Array.isArray(error.errors))) return error;
  const lines = error.errors.map(({ text, location }) =>
    location ? `${location.file}:${location.line}:${location.column + 1}: ${text}` : String(text),
  );
  return new LocalCloudError(lines.join('\n'));
}
