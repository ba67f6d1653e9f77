import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Result } from '../../conformance/result.ts';
import { RULES } from '../../conformance/rules/rules.ts';
import { LONG_TEST_MS } from '../support/timeouts.ts';
import { beginTrials, type Trials } from '../support/trials.ts';
import { failures, tryOut } from './subject.ts';
import { buildVariant } from './variant-bundles.ts';
import { VARIANTS, type Variant } from './variants.ts';

const folder = join(import.meta.dirname, '../../dist/conformance');

/** How many clouds run at a time. Each place has its own folder, which its variants use one after another. */
const PLACES = 3;

let trials: Trials<Variant, Result[]>;

beforeAll(() => {
  trials = beginTrials(VARIANTS, PLACES, async (variant, place) => {
    const bundles = await buildVariant(variant, join(folder, `${place}`));
    return tryOut({ rules: variant.rules, bundles, parallel: variant.rules.length });
  });
});

afterAll(async () => {
  await trials.ended;
  await rm(folder, { recursive: true, force: true, maxRetries: 10 });
}, LONG_TEST_MS);

describe('the kit fails a server', () => {
  it.each(VARIANTS)(
    '$name, which breaks: $breaks',
    async (variant) => {
      const results = await trials.outcomeOf(variant);
      expect(failures(results).map(({ name }) => name)).toEqual(variant.fails);
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
