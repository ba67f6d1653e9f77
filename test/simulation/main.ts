import { parseArgs } from 'node:util';
import { runCampaign } from './campaign.ts';
import { noteCaught } from './caught-at.ts';
import { runHistory } from './history.ts';
import { MUTANTS, sourcesOf, UNSEEN } from './mutants.ts';
import { shrink } from './shrink.ts';

const USAGE = `npm run sim -- [options]
  --count 20000 --from 1 --jobs 2   that many histories, from that seed on
  --seed 17 [--trace]               one history; with its story
  --seed 17 --shrink                the shortest history like it that still breaks a promise, with its story
  --crowd                           histories of three devices that steer one another's turns
  --approvals                       histories in which people approve and deny
  --mutants [--only name]           each single fault that is put into the product must be caught
  --mutants --note                  and the tests begin to look for each where it was caught`;

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '20000' },
    from: { type: 'string', default: '1' },
    jobs: { type: 'string', default: '2' },
    seed: { type: 'string' },
    trace: { type: 'boolean', default: false },
    shrink: { type: 'boolean', default: false },
    crowd: { type: 'boolean', default: false },
    approvals: { type: 'boolean', default: false },
    mutants: { type: 'boolean', default: false },
    only: { type: 'string' },
    note: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const [count, from, jobs] = [values.count, values.from, values.jobs].map(Number) as [number, number, number];
const tell = (line: string) => console.log(line);

if (values.help) tell(USAGE);
else if (values.mutants) await judgeMutants();
else if (values.seed !== undefined) await one(Number(values.seed));
else await many();

async function one(seed: number): Promise<void> {
  const options = values.shrink ? await shrink(seed) : {};
  const result = await runHistory(seed, {
    ...options,
    crowd: values.crowd,
    approvals: values.approvals,
    ...((values.trace || values.shrink) && { log: tell }),
  });
  for (const [promise, why] of result.violations) tell(`BROKEN ${promise}: ${why}`);
  tell(
    `seed ${seed}: ${result.steps} steps, ${result.turns} turns, ${result.violations.size} promises broken`,
  );
  process.exitCode = result.violations.size ? 1 : 0;
}

async function many(): Promise<void> {
  const outcome = await runCampaign({ from, count, jobs, crowd: values.crowd, approvals: values.approvals });
  const { histories, steps, turns, modelCalls, seconds, injected, findings } = outcome;
  tell(
    `${histories} histories (seeds ${from} to ${from + count - 1}), ${steps} steps, ${turns} turns, ${modelCalls} model calls`,
  );
  tell(`${seconds.toFixed(1)} s on ${jobs} threads`);
  tell(
    `injected: ${Object.entries(injected)
      .map(([what, n]) => `${what} ${n}`)
      .join(', ')}`,
  );
  for (const { promise, times, seed, why } of findings)
    tell(`BROKEN ${promise}: ${times} times, shortest with seed ${seed}: ${why}`);
  tell(findings.length ? 'promises are broken' : 'no promise is broken');
  process.exitCode = findings.length ? 1 : 0;
}

async function judgeMutants(): Promise<void> {
  let survivors = 0;
  const caughtAt: Record<string, number> = {};
  for (const { name, breaks, faults, crowd, approvals } of values.only
    ? [...MUTANTS, ...UNSEEN].filter(({ name }) => name === values.only)
    : MUTANTS) {
    const { findings, histories } = await runCampaign({
      from,
      count,
      jobs,
      untilCaught: true,
      sources: sourcesOf(name),
      faults,
      crowd,
      approvals,
    });
    const [first] = findings;
    if (first) caughtAt[name] = first.seed;
    const caught = findings.map(({ promise }) => promise).join(', ');
    if (findings.length === 0) survivors++;
    tell(
      `${findings.length ? 'caught ' : 'SURVIVES'} ${name.padEnd(28)} ${breaks.padEnd(60)} ${caught ? `${caught} after ${histories}` : `${histories} histories`}`,
    );
  }
  if (values.note) noteCaught(caughtAt);
  tell(survivors ? `${survivors} mutants survive: holes in the judge` : 'every mutant is caught');
  process.exitCode = survivors ? 1 : 0;
}
