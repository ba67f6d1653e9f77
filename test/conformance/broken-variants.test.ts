import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RULES } from '../../conformance/rules/rules.ts';
import type { Result } from '../../conformance/run.ts';
import { LONG_TEST_MS } from '../support/timeouts.ts';
import { failures, tryOut } from './subject.ts';
import { buildVariant } from './variant-bundles.ts';
import { VARIANTS, type Variant } from './variants.ts';

const folder = join(import.meta.dirname, '../../dist/conformance');

/** How many clouds run at a time. Each place has its own folder, which its variants use one after another. */
const PLACES = 3;

const trials = new Map(VARIANTS.map((variant) => [variant, Promise.withResolvers<Result[]>()]));

async function tryVariants(place: number, waiting: Variant[]): Promise<void> {
  for (let variant = waiting.shift(); variant; variant = waiting.shift()) {
    const trial = trials.get(variant);
    try {
      const bundles = await buildVariant(variant, join(folder, `${place}`));
      trial?.resolve(await tryOut({ rules: variant.rules, bundles, parallel: variant.rules.length }));
    } catch (error) {
      trial?.reject(error);
    }
  }
}

let all: Promise<unknown>;

beforeAll(() => {
  const waiting = [...VARIANTS];
  // The test that awaits a trial reports its failure.
  for (const { promise } of trials.values()) promise.catch(() => {});
  all = Promise.all(Array.from({ length: PLACES }, (_, place) => tryVariants(place, waiting)));
});

afterAll(async () => {
  await all;
  await rm(folder, { recursive: true, force: true, maxRetries: 10 });
}, LONG_TEST_MS);

describe('the kit fails a server', () => {
  it.each(VARIANTS)(
    '$name, which breaks: $breaks',
    async (variant) => {
      const results = await trials.get(variant)?.promise;
      expect(failures(results ?? []).map(({ name }) => name)).toEqual(variant.fails);
    },
    LONG_TEST_MS,
  );
});

it('each variant names rules that there are, and runs those that it fails', () => {
  const names: string[] = RULES.map(({ name }) => name);
  for (const { rules, fails } of VARIANTS) {
    expect(names).toEqual(expect.arrayContaining([...rules, ...fails]));
    const run = RULES.filter((rule) => rules.includes(rule.name) || 'judge' in rule);
    expect(run.map(({ name }) => name as string)).toEqual(expect.arrayContaining([...fails]));
  }
});
