import { describe, expect, it } from 'vitest';
import { SEARCH_MS } from '../support/timeouts.ts';
import { runCampaign } from './campaign.ts';
import { caughtAt } from './caught-at.ts';
import { kindsOf } from './kinds.ts';
import { MUTANTS, sourcesOf } from './mutants.ts';

/** Histories per mutant. Most mutants are caught within a hundred, the rarest after 14,000. */
const PER_MUTANT = 30_000;

/** Two mutants at a time, with one process each: most are caught before a second one would have started. */
describe.concurrent('the simulation, with a fault in the product,', () => {
  it.each(MUTANTS)(
    'catches $name, which breaks: $breaks',
    async ({ name, faults, ...kinds }) => {
      const { findings } = await runCampaign({
        from: caughtAt(name),
        count: PER_MUTANT,
        jobs: 1,
        untilCaught: true,
        sources: sourcesOf(name),
        faults,
        ...kindsOf(kinds),
      });
      expect(findings.map(({ promise }) => promise)).not.toEqual([]);
    },
    SEARCH_MS,
  );
});
