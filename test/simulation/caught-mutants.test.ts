import { describe, expect, it } from 'vitest';
import { SEARCH_MS } from '../support/timeouts.ts';
import { runCampaign } from './campaign.ts';
import { caughtAt } from './caught-at.ts';
import { MUTANTS, sourcesOf } from './mutants.ts';

/** Enough for each mutant from any seed on; most are caught within a hundred, the rarest after 14,000. */
const PER_MUTANT = 30_000;

/** Two at a time with a thread each: most are caught in less time than a second thread takes to start. */
describe.concurrent('the simulation, with a fault in the product,', () => {
  it.each(MUTANTS)(
    'catches $name: no longer true that $breaks',
    async ({ name, faults, crowd, approvals }) => {
      const { findings } = await runCampaign({
        from: caughtAt(name),
        count: PER_MUTANT,
        jobs: 1,
        untilCaught: true,
        sources: sourcesOf(name),
        faults,
        crowd,
        approvals,
      });
      expect(findings.map(({ promise }) => promise)).not.toEqual([]);
    },
    SEARCH_MS,
  );
});
