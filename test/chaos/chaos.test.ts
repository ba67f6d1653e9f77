import { expect, it } from 'vitest';
import { TEST_BUNDLES } from '../support/bundles.ts';
import { LONG_TEST_MS, LONG_WAIT_MS } from '../support/timeouts.ts';
import { runChaos } from './run.ts';
import { KILLS } from './saboteur.ts';

/** A small version of `npm run chaos`. The seed decides what happens, the machine decides when. */
it(
  'P1 to P14 hold while functions are killed, messages delivered twice and connections cut',
  async () => {
    const outcome = await runChaos({
      seed: 7,
      turns: 20,
      kills: 8,
      cuts: 8,
      sessions: 4,
      bundles: TEST_BUNDLES,
      // Together less than the test's limit, so that a run without an end says what it waits for.
      faultsMs: LONG_WAIT_MS,
      restMs: LONG_WAIT_MS,
    });
    expect(outcome.violations).toEqual([]);
    expect(outcome.checked.of('turns')).toBeGreaterThanOrEqual(20);
    expect(outcome.injected.sum(...KILLS)).toBeGreaterThanOrEqual(8);
  },
  LONG_TEST_MS,
);
