import { parseArgs } from 'node:util';
import { runHistory } from './history.ts';

/** `npm run sim -- --count 20000 --from 1 --jobs 2`, `npm run sim -- --seed 17 --trace` */
const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    trace: { type: 'boolean', default: false },
  },
});

if (values.seed) {
  const result = await runHistory(
    Number(values.seed),
    values.trace ? { log: (line) => console.log(line) } : {},
  );
  console.log(result);
} else {
  const start = performance.now();
  const found = new Map<string, { count: number; seed: number; steps: number; why: string }>();
  let steps = 0;
  let turns = 0;
  const injected: Record<string, number> = {};
  for (let seed = Number(values.from); seed < Number(values.from) + Number(values.count); seed++) {
    const result = await runHistory(seed);
    steps += result.steps;
    turns += result.turns;
    for (const [what, n] of Object.entries(result.injected)) injected[what] = (injected[what] ?? 0) + n;
    for (const [promise, why] of result.violations) {
      const before = found.get(promise);
      if (!before || before.steps > result.steps) {
        found.set(promise, { count: (before?.count ?? 0) + 1, seed, steps: result.steps, why });
      } else before.count++;
    }
  }
  const seconds = (performance.now() - start) / 1000;
  console.log(`${values.count} histories, ${steps} steps, ${turns} turns, ${seconds.toFixed(1)} s`, injected);
  for (const [promise, { count, seed, steps: n, why }] of found)
    console.log(`${promise}: ${count} times, seed ${seed} (${n} steps): ${why}`);
}
