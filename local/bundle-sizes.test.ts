import type { Metafile } from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';
import { FUNCTION_NAMES } from '../config/function-names.ts';
import { inspectFunctions } from './build.ts';
import { type BundleSize, PROVIDERS, sizeOf } from './bundle-sizes.ts';
import { asNamespaceImports } from './namespace-imports.ts';

const KB = 1000;

let metafiles: Metafile[];

beforeAll(async () => {
  metafiles = await inspectFunctions();
});

/** So that a bundle that has grown says by what. */
const heaviest = ({ parts }: BundleSize): string =>
  parts
    .slice(0, 12)
    .map(({ name, bytes }) => `${name} ${bytes}`)
    .join(', ');

describe('a function loads', () => {
  it('authorizer: at most 60 KB beside the SDK', () => {
    const size = sizeOf(metafiles, 'authorizer');
    expect(size.besideSdk, heaviest(size)).toBeLessThanOrEqual(60 * KB);
    // It is not measured past what it is: the verifier of tokens is in it.
    expect(size.parts.map(({ name }) => name)).toContain('aws-jwt-verify');
  });

  it.each(FUNCTION_NAMES.filter((name) => name !== 'turn' && name !== 'authorizer'))(
    '%s: at most 460 KB',
    (name) => {
      const size = sizeOf(metafiles, name);
      expect(size.bytes, heaviest(size)).toBeLessThanOrEqual(460 * KB);
      expect(size.besideSdk).toBeLessThan(size.bytes);
    },
  );

  it.each(PROVIDERS)('turn with %s: at most 1.5 MB', (provider) => {
    const size = sizeOf(metafiles, 'turn', provider);
    expect(size.bytes, heaviest(size)).toBeLessThanOrEqual(1500 * KB);
  });

  it('of the model providers the one that is chosen', () => {
    const ofProviders = PROVIDERS.map((provider) =>
      sizeOf(metafiles, 'turn', provider)
        .parts.map(({ name }) => name)
        .filter((name) => /^@ai-sdk\/(amazon-bedrock|anthropic|openai|google)/.test(name))
        .toSorted(),
    );
    // Bedrock's package carries parts of Anthropic's, for the models that they share.
    expect(ofProviders).toEqual([
      [],
      // The sample names no model.
      [],
      ['@ai-sdk/amazon-bedrock', '@ai-sdk/anthropic'],
      ['@ai-sdk/anthropic'],
      ['@ai-sdk/openai'],
      ['@ai-sdk/google'],
      ['@ai-sdk/openai-compatible'],
    ]);
  });

  it('of MCP nothing, unless the agent names a server: then at most 450 KB more', () => {
    const ofMcp = (size: BundleSize) => size.parts.filter(({ name }) => name === '@ai-sdk/mcp');
    for (const provider of PROVIDERS) {
      const without = sizeOf(metafiles, 'turn', provider);
      const withMcp = sizeOf(metafiles, 'turn', provider, { mcp: true });
      expect(ofMcp(without)).toEqual([]);
      expect(ofMcp(withMcp)).toHaveLength(1);
      const more = provider === 'demo' ? 1200 * KB : 450 * KB;
      expect(withMcp.bytes - without.bytes, heaviest(withMcp)).toBeLessThanOrEqual(more);
    }
  });

  it('of zod what is used: none of its languages but English', () => {
    for (const { outputs } of metafiles) {
      const inputs = Object.values(outputs).flatMap((output) =>
        Object.entries(output.inputs).flatMap(([path, { bytesInOutput }]) =>
          bytesInOutput > 0 ? [path] : [],
        ),
      );
      const languages = inputs.filter((path) => /\/zod\/v4\/locales\/\w+\.js$/.test(path));
      expect(languages.map((path) => path.split('/').at(-1)).filter((file) => file !== 'en.js')).toEqual([]);
    }
  });
});

describe('an import of zod as a value', () => {
  it.each([
    [`import { z } from 'zod';`, `import * as z from 'zod';`],
    [`import { z as z3 } from "zod/v4";`, `import * as z3 from "zod/v4";`],
    [`import {z}from"zod/v4";`, `import * as z from "zod/v4";`],
  ])('%s becomes one of a namespace', (source, expected) => {
    expect(asNamespaceImports(source)).toBe(expected);
  });

  it.each([
    `import { z } from './zod';`,
    `import { safeParseAsync } from "zod/v4";`,
    `import { z, type ZodType } from 'zod';`,
    `import { z } from 'zod/mini';`,
  ])('%s is left as it is', (source) => {
    expect(asNamespaceImports(source)).toBe(source);
  });
});
