import { once } from 'node:events';
import type { Finding, Outcome, Share } from './campaign.ts';
import { NOTHING } from './campaign.ts';
import { replaceSources } from './replaced-sources.ts';

/** One process of a campaign. Sources are replaced before the product is loaded, so that its modules have the fault. */
const [share] = await once(process, 'message');
const { seeds, untilCaught, sources, faults, kinds } = share as Share;
const replaced = replaceSources(sources);
const { runHistory } = await import('./history.ts');

let stopped = false;
// Nobody hears what would be found.
process.once('disconnect', () => process.exit());
process.on('message', () => {
  stopped = true;
});

const outcome: Outcome = { ...NOTHING, injected: {}, findings: [] };
const found = new Map<string, Finding>();
for (let seed = seeds.from; seed < seeds.to && !stopped; seed += seeds.every) {
  const result = await runHistory(seed, {
    ...(faults && { faults }),
    ...kinds,
  });
  outcome.histories++;
  outcome.steps += result.steps;
  outcome.turns += result.turns;
  outcome.modelCalls += result.modelCalls;
  for (const [what, n] of Object.entries(result.injected))
    outcome.injected[what] = (outcome.injected[what] ?? 0) + n;
  for (const [promise, why] of result.violations) {
    const before = found.get(promise);
    const times = (before?.times ?? 0) + 1;
    found.set(
      promise,
      before && before.steps <= result.steps
        ? { ...before, times }
        : { promise, times, seed, steps: result.steps, why },
    );
  }
  if (untilCaught && found.size) break;
  // Receives a `stop`.
  if (outcome.histories % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
}
replaced.demandLoaded();
outcome.findings = [...found.values()];
process.send?.(outcome, () => process.disconnect());
