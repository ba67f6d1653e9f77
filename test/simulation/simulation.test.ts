import { availableParallelism } from 'node:os';
import { describe, expect, it } from 'vitest';
import { cases } from '../support/sample.ts';
import { SEARCH_MS } from '../support/timeouts.ts';
import { runCampaign } from './campaign.ts';
import { runHistory } from './history.ts';
import { LATE_DUPLICATES } from './mutants.ts';

/** The same ones in each run. Each night runs 200,000 others (.github/workflows/nightly.yml). */
const HISTORIES = cases(10_000);
const jobs = Math.min(2, availableParallelism());

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
        expect(injected[fault], fault).toBeGreaterThan(HISTORIES / 200);
      }
    },
    SEARCH_MS,
  );

  it(
    'P1 to P14 hold where late duplicates are everywhere',
    async () => {
      const { findings, injected } = await runCampaign({
        from: 1,
        count: cases(2000),
        jobs,
        faults: LATE_DUPLICATES,
      });
      expect(findings).toEqual([]);
      expect(injected['late duplicate']).toBeGreaterThan(cases(20_000));
    },
    SEARCH_MS,
  );

  it('P1: a message that was refused and that a late duplicate brings in has an outcome, whether its sender saw the refusal or not', async () => {
    // In this history the sender's connection closes before the refusal arrives. The sender repeats the message.
    const lines: string[] = [];
    const { violations } = await runHistory(4530, {
      faults: LATE_DUPLICATES,
      log: (line) => lines.push(line),
    });
    expect(lines.join('\n')).toMatch(
      /STEERING_QUEUE_FULL.*late duplicate of: [^\n]*set waiting,Am4.*messages that cannot be applied were withdrawn/s,
    );
    expect([...violations]).toEqual([]);
  });

  it(
    'P1 to P14 hold where messages have options, and each turn is prepared',
    async () => {
      const { findings, histories } = await runCampaign({
        from: 1,
        count: cases(2000),
        jobs,
        contexts: true,
      });
      expect(findings).toEqual([]);
      expect(histories).toBe(cases(2000));
    },
    SEARCH_MS,
  );

  it(
    'P1 to P14 hold where tools show their progress and send data, and ask another agent, whose use is counted once',
    async () => {
      const { findings, histories, injected } = await runCampaign({
        from: 1,
        count: cases(2000),
        jobs,
        shows: true,
        subagents: true,
      });
      expect(findings).toEqual([]);
      expect(histories).toBe(cases(2000));
      expect(injected['agent asked']).toBeGreaterThan(cases(1000));
    },
    SEARCH_MS,
  );

  it(
    'P1 to P14 hold where devices run a tool: in time, late, twice, from another lane, malformed, never',
    async () => {
      const { findings, histories } = await runCampaign({ from: 1, count: cases(2000), jobs, clients: true });
      expect(findings).toEqual([]);
      expect(histories).toBe(cases(2000));
    },
    SEARCH_MS,
  );

  it(
    'P1 to P14 hold where the agent has hooks that refuse, change, fail and hang, and a model writes a title, once',
    async () => {
      const { findings, histories, injected } = await runCampaign({
        from: 1,
        count: cases(1000),
        jobs,
        hooks: true,
        titles: true,
      });
      expect(findings).toEqual([]);
      expect(histories).toBe(cases(1000));
      expect(injected['title given']).toBeGreaterThan(cases(200));
    },
    SEARCH_MS,
  );

  it(
    'P1 to P14 hold where devices fork the session: a fork is whole or not there, and never has a later entry',
    async () => {
      const { findings, histories } = await runCampaign({ from: 1, count: cases(1000), jobs, forks: true });
      expect(findings).toEqual([]);
      expect(histories).toBe(cases(1000));
    },
    SEARCH_MS,
  );

  it(
    'P1 to P14 hold among devices that steer one another’s turns, and an application that sends messages too',
    async () => {
      const { findings, histories } = await runCampaign({
        from: 1,
        count: cases(2000),
        jobs,
        crowd: true,
        outside: true,
      });
      expect(findings).toEqual([]);
      expect(histories).toBe(cases(2000));
    },
    SEARCH_MS,
  );
});
