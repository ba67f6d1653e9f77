import type { Metafile } from 'esbuild';

/** The size of what a cold start of a function reads. */
export interface BundleSize {
  /** Bytes of all loaded files. */
  bytes: number;
  /** Bytes without the AWS SDK. */
  besideSdk: number;
  files: number;
  /** Bytes by package, or by folder of the project, largest first. */
  parts: { name: string; bytes: number }[];
}

/** Model providers, and the package that a turn loads for each. The demo needs none, and an agent names its own. */
const PROVIDER_PACKAGES = {
  demo: undefined,
  agent: undefined,
  bedrock: '@ai-sdk/amazon-bedrock',
  anthropic: '@ai-sdk/anthropic',
  openai: '@ai-sdk/openai',
  google: '@ai-sdk/google',
  'openai-compatible': '@ai-sdk/openai-compatible',
} as const;

export type Provider = keyof typeof PROVIDER_PACKAGES;
export const PROVIDERS = Object.keys(PROVIDER_PACKAGES) as Provider[];

/** Of a service that every deployment uses. Only one with an event bus loads that client, and only a file loads that of S3. */
const CLIENT = /node_modules\/@aws-sdk\/client-(?!(?:eventbridge|s3)\/)/;

const SDK = /(?:^|\/)node_modules\/(?:@aws-sdk|@aws|@smithy)\//;

/**
 * Returns what one function loads in Lambda: its entry, its static imports, and the dynamic imports that run. The SDK's
 * credential providers do not, since Lambda passes credentials in variables.
 *
 * `mcp`: include what it loads if the agent names an MCP server.
 *
 * @throws {Error} if the bundles do not contain the function, or nothing of the provider's package
 */
export function sizeOf(
  metafiles: readonly Metafile[],
  name: string,
  provider: Provider = 'demo',
  { mcp = false } = {},
): BundleSize {
  for (const metafile of metafiles) {
    const entry = Object.keys(metafile.outputs).find((path) => path.endsWith(`/${name}.mjs`));
    if (entry) return measure(metafile, entry, provider, mcp);
  }
  throw new Error(`There is no bundle of ${name}.`);
}

function measure({ outputs }: Metafile, entry: string, provider: Provider, mcp: boolean): BundleSize {
  const wanted = PROVIDER_PACKAGES[provider];
  let found = wanted === undefined || !entry.endsWith('/turn.mjs');
  const takes = (path: string): boolean => {
    const source = outputs[path]?.entryPoint ?? '';
    if (wanted && source.includes(`node_modules/${wanted}/`)) {
      found = true;
      return true;
    }
    if (/(^|\/)model\/mcp\//.test(source)) return mcp;
    if (/(^|\/)model\//.test(source)) return /(^|\/)model\/demo\//.test(source) === (provider === 'demo');
    return !source.includes('node_modules/') || CLIENT.test(source);
  };

  const loaded = new Set([entry]);
  // Iterating over a set includes elements that are added meanwhile.
  for (const file of loaded) {
    for (const { path, kind, external } of outputs[file]?.imports ?? []) {
      if (!external && (kind !== 'dynamic-import' || takes(path))) loaded.add(path);
    }
  }
  if (!found) throw new Error(`A turn loads nothing of ${wanted}.`);

  const parts = new Map<string, number>();
  let bytes = 0;
  let sdk = 0;
  for (const file of loaded) {
    const output = outputs[file];
    bytes += output?.bytes ?? 0;
    for (const [input, { bytesInOutput }] of Object.entries(output?.inputs ?? {})) {
      if (SDK.test(input)) sdk += bytesInOutput;
      const part = partOf(input);
      parts.set(part, (parts.get(part) ?? 0) + bytesInOutput);
    }
  }
  return {
    bytes,
    besideSdk: bytes - sdk,
    files: loaded.size,
    parts: [...parts]
      .map(([part, size]) => ({ name: part, bytes: size }))
      .toSorted((a, b) => b.bytes - a.bytes),
  };
}

/**
 * Returns `@ai-sdk/anthropic` for `node_modules/@ai-sdk/anthropic/dist/index.js`, and `core` for a file of `core/`.
 */
function partOf(input: string): string {
  const inside = input.split('node_modules/').at(-1) ?? input;
  const depth = inside !== input && !inside.startsWith('@') ? 1 : 2;
  return inside.split('/').slice(0, depth).join('/');
}
