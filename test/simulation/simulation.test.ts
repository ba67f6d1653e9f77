import { availableParallelism } from 'node:os';
import { describe, expect, it } from 'vitest';
import { runCampaign } from './campaign.ts';
import { caughtAt } from './caught-at.ts';
import { runHistory } from './history.ts';
import { LATE_DUPLICATES, MUTANTS } from './mutants.ts';

/** A longer run, outside the tests: `npm run sim -- --count 1000000`. */
const HISTORIES = 20_000;
/** Enough for each mutant from any seed on; most are caught within a hundred, the rarest after 14,000. */
const PER_MUTANT = 30_000;
const jobs = Math.min(2, availableParallelism());
const MINUTES = 60_000;

describe('the simulation', () => {
  it('is decided by its seed', async () => {
    const stories = [];
    for (let i = 0; i < 2; i++) {
      const lines: string[] = [];
      await runHistory(7, { log: (line) => lines.push(line) });
      stories.push(lines);
    }
    expect(stories[0]?.length).toBeGreaterThan(50);
    expect(stories[0]).toEqual(stories[1]);
  });

  it(
    `P1 to P14 hold in ${HISTORIES} histories with every fault`,
    async () => {
      const { findings, histories, injected, turns } = await runCampaign({ from: 1, count: HISTORIES, jobs });
      expect(findings).toEqual([]);
      expect(histories).toBe(HISTORIES);
      expect(turns).toBeGreaterThan(HISTORIES);
      for (const fault of [
        'crash',
        'pause',
        'answer lost, repeated',
        'late duplicate',
        'time limit',
        'fenced',
        'hand-over',
        'session deleted',
      ]) {
        expect(injected[fault], fault).toBeGreaterThan(100);
      }
    },
    10 * MINUTES,
  );

  it(
    'P1 to P14 hold where late duplicates are everywhere',
    async () => {
      const { findings, injected } = await runCampaign({
        from: 1,
        count: 2000,
        jobs,
        faults: LATE_DUPLICATES,
      });
      expect(findings).toEqual([]);
      expect(injected['late duplicate']).toBeGreaterThan(20_000);
    },
    2 * MINUTES,
  );

  it(
    'P1 to P14 hold among devices that steer one another’s turns',
    async () => {
      const { findings, histories } = await runCampaign({ from: 1, count: 4000, jobs, crowd: true });
      expect(findings).toEqual([]);
      expect(histories).toBe(4000);
    },
    2 * MINUTES,
  );
});

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
        mutant: name,
        faults,
        crowd,
        approvals,
      });
      expect(findings.map(({ promise }) => promise)).not.toEqual([]);
    },
    10 * MINUTES,
  );
});
