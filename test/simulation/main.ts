import { parseArgs } from 'node:util';
import { runCampaign } from './campaign.ts';
import { caughtAt, noteCaught } from './caught-at.ts';
import { KINDS, type Kinds, kindsOf } from './kinds.ts';
import { findMutant, MUTANTS, sourcesOf } from './mutants.ts';
import { replaceSources } from './replaced-sources.ts';

const USAGE = `npm run sim -- [options]
  --count 20000 --from 1 --jobs 2   runs that many histories, from that seed on
  --seed 17 [--trace]               runs one history; prints its story
  --seed 17 --shrink                finds a shorter history like it that still breaks a promise; prints its story
  --first                           ends with the first history that breaks a promise
  --crowd                           histories of three devices that steer one another's turns
  --approvals                       histories in which users approve and deny tool calls
  --contexts                        histories in which messages have options
  --shows                           histories in which tools show their progress and send data
  --subagents                       histories in which a tool asks another agent
  --titles                          histories in which a model writes the title of the session
  --clients                         histories in which devices run a tool
  --hooks                           histories whose agent has hooks
  --outside                         histories in which the application sends messages by itself
  --forks                           histories in which devices fork the session
  --seed 17 --only name [--trace]   the same with a mutant
  --mutants [--only name]           runs mutants: each must be caught; from the noted seed on, or from --from
  --mutants --note                  notes in caught-at.json the seed at which each was caught`;

const KIND_OPTIONS = Object.fromEntries(KINDS.map((kind) => [kind, { type: 'boolean' }])) as Record<
  keyof Kinds,
  { type: 'boolean' }
>;

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '20000' },
    from: { type: 'string' },
    jobs: { type: 'string', default: '2' },
    seed: { type: 'string' },
    trace: { type: 'boolean', default: false },
    shrink: { type: 'boolean', default: false },
    first: { type: 'boolean', default: false },
    ...KIND_OPTIONS,
    mutants: { type: 'boolean', default: false },
    only: { type: 'string' },
    note: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const count = Number(values.count);
const jobs = Number(values.jobs);
const from = values.from === undefined ? undefined : Number(values.from);
const print = (line: string) => console.log(line);

if (values.help) print(USAGE);
else if (values.seed !== undefined) await one(Number(values.seed));
else if (values.mutants) await judgeMutants();
else await many();

async function one(seed: number): Promise<void> {
  const mutant = values.only === undefined ? undefined : findMutant(values.only);
  // The product is loaded afterwards, so that it has the mutant's fault.
  if (mutant) replaceSources(sourcesOf(mutant.name));
  const { runHistory } = await import('./history.ts');
  const { shrink } = await import('./shrink.ts');
  const options = values.shrink ? await shrink(seed) : {};
  const result = await runHistory(seed, {
    ...options,
    ...(mutant?.faults && { faults: mutant.faults }),
    ...kindsOf(values, mutant ?? {}),
    ...((values.trace || values.shrink) && { log: print }),
  });
  for (const [promise, why] of result.violations) print(`BROKEN ${promise}: ${why}`);
  print(
    `seed ${seed}: ${result.steps} steps, ${result.turns} turns, ${result.violations.size} promises broken`,
  );
  process.exitCode = result.violations.size ? 1 : 0;
}

async function many(first = from ?? 1): Promise<void> {
  const outcome = await runCampaign({
    from: first,
    count,
    jobs,
    untilCaught: values.first,
    ...kindsOf(values),
  });
  const { histories, steps, turns, modelCalls, seconds, injected, findings } = outcome;
  print(
    `${histories} histories (seeds ${first} to ${first + count - 1}), ${steps} steps, ${turns} turns, ${modelCalls} model calls`,
  );
  print(`${seconds.toFixed(1)} s in ${jobs} processes`);
  print(
    `injected: ${Object.entries(injected)
      .map(([what, n]) => `${what} ${n}`)
      .join(', ')}`,
  );
  for (const { promise, times, seed, why } of findings)
    print(`BROKEN ${promise}: ${times} times, shortest with seed ${seed}: ${why}`);
  print(findings.length ? 'promises are broken' : 'no promise is broken');
  process.exitCode = findings.length ? 1 : 0;
}

async function judgeMutants(): Promise<void> {
  let survivors = 0;
  const seeds: Record<string, number> = {};
  const mutants = values.only === undefined ? MUTANTS : [findMutant(values.only)];
  for (const mutant of mutants) {
    const { name, breaks, faults } = mutant;
    const { findings, histories } = await runCampaign({
      from: from ?? caughtAt(name),
      count,
      jobs,
      untilCaught: true,
      sources: sourcesOf(name),
      faults,
      ...kindsOf(mutant),
    });
    const [first] = findings;
    if (first) seeds[name] = first.seed;
    // After each one, so that a run that is stopped keeps what it has found.
    if (values.note) noteCaught(seeds);
    const caught = findings.map(({ promise }) => promise).join(', ');
    if (findings.length === 0) survivors++;
    print(
      `${findings.length ? 'caught ' : 'SURVIVES'} ${name.padEnd(28)} ${breaks.padEnd(60)} ${caught ? `${caught} after ${histories}` : `${histories} histories`}`,
    );
  }
  print(
    survivors
      ? `${survivors} mutants survive: the judge overlooks them, or their rules are not needed`
      : 'every mutant is caught',
  );
  process.exitCode = survivors ? 1 : 0;
}
