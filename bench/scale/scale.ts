import { writeFile } from 'node:fs/promises';
import { circumstances } from '../circumstances.ts';
import { measuredImports } from '../first-message.ts';
import { dated, table, writeSection } from '../page.ts';
import { formatCircumstances, resultPath } from '../report.ts';
import { summarize } from '../stats.ts';
import type { Limit, Refusal } from './outcome.ts';
import { LIMITS, type Moment, type Outcome, REFUSALS } from './outcome.ts';
import { peaksOf, waitsOf, writePlot } from './plots.ts';
import { ledgerUnits, recordProfile, sumOf } from './profile.ts';
import { DEFAULT, PUBLISHED, type Quotas, RAISED, SET, UNLIMITED } from './quotas.ts';
import type { Scenario } from './scenarios.ts';
import { SCENARIOS } from './scenarios.ts';
import { simulate } from './simulate.ts';

/**
 * `npm run bench:scale`: what 100,000 people meet of AWS's quotas, in virtual time. Each of them asks for what the recorded code
 * asks for. The same seed gives the same figures.
 */
const SEED = Number(process.env.SEED ?? 1);
const SECTION = { name: 'scale', command: 'npm run bench:scale', page: 'scale.md' };

const QUOTAS = { default: DEFAULT, set: SET, raised: RAISED, unlimited: UNLIMITED } as const;
type QuotasName = keyof typeof QUOTAS;
const TITLES: Record<QuotasName, string> = {
  default: 'as deployed',
  set: 'settings raised',
  raised: 'quotas raised',
  unlimited: 'no limits',
};
/** Where a line says nothing new, it is left out. */
const RUNS: Record<string, readonly QuotasName[]> = {
  morning: ['default', 'set', 'raised', 'unlimited'],
  push: ['default', 'set', 'raised', 'unlimited'],
  'spread push': ['raised', 'unlimited'],
  day: ['default', 'unlimited'],
};

interface Run {
  scenario: Scenario;
  quotas: QuotasName;
  outcome: Outcome;
}

const where = { ...circumstances(), command: SECTION.command };
console.log(formatCircumstances(where));
const profile = await recordProfile(await ledgerUnits(), await measuredImports());
const runs: Run[] = [];
for (const scenario of SCENARIOS)
  for (const quotas of RUNS[scenario.name] ?? []) {
    runs.push({ scenario, quotas, outcome: simulate(scenario, QUOTAS[quotas], profile, SEED) });
    console.log(`${scenario.name}, ${TITLES[quotas]}`);
  }
const real = runs.filter(({ quotas }) => quotas !== 'unlimited');
console.log(`\n${waitTable()}\n\n${refusalTable()}\n\n${boundTable()}\n\n${demandTable()}\n`);
await plots();
await writeSection(SECTION, page());
const file = resultPath('scale');
await writeFile(file, `${JSON.stringify(result(), rounded, 2)}\n`);
console.log(`written to ${file}, docs/scale.md and docs/scale/`);

function outcomeOf(scenario: string, quotas: QuotasName): Outcome {
  const run = runs.find((one) => one.scenario.name === scenario && one.quotas === quotas);
  if (!run) throw new Error(`${scenario} was not run with ${quotas} quotas.`);
  return run.outcome;
}

function seconds(ms: number): string {
  return ms < 1000 ? (ms / 1000).toFixed(2) : (ms / 1000).toFixed(1);
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

function waitTable(): string {
  return table(
    [
      'seconds',
      '',
      'turns answered',
      'connected, p50',
      'p99',
      'accepted, p50',
      'p99',
      'first text over the model, p50',
      'p90',
      'p99',
      'stalled in mid-answer, p99',
    ],
    real.map(({ scenario, quotas, outcome }) => {
      const connected = summarize(outcome.connected.all);
      const accepted = summarize(outcome.accepted.all);
      const text = summarize(outcome.firstText.all);
      return [
        scenario.name,
        TITLES[quotas],
        `${((100 * outcome.answered) / (scenario.people * scenario.turns)).toFixed(0)} %`,
        ...[connected.p50, connected.p99, accepted.p50, accepted.p99, text.p50, text.p90, text.p99].map(
          seconds,
        ),
        seconds(summarize(outcome.stalled.all).p99),
      ];
    }),
  );
}

function refusalTable(): string {
  const names = Object.keys(REFUSALS) as Refusal[];
  return table(
    ['how often', ...real.map(({ scenario, quotas }) => `${scenario.name}, ${TITLES[quotas]}`)],
    names
      .filter((name) => real.some(({ outcome }) => outcome.refused[name] > 0))
      .map((name) => [REFUSALS[name], ...real.map(({ outcome }) => count(outcome.refused[name]))]),
  );
}

function boundTable(): string {
  return table(
    ['load', 'limit', 'first holds something back, minute', 'for the last time', 'seconds in which it does'],
    real.flatMap(({ scenario, quotas, outcome }) =>
      [...outcome.bound]
        .sort(([, a], [, b]) => a.from - b.from)
        .map(([limit, { from, to, seconds: held }]) => [
          `${scenario.name}, ${TITLES[quotas]}`,
          LIMITS[limit],
          (from / 60_000).toFixed(1),
          (to / 60_000).toFixed(1),
          count(held),
        ]),
    ),
  );
}

/** What is asked for where nothing holds it back, beside what there is. */
function demandTable(): string {
  const rows: readonly { limit: Limit; of: keyof Moment; has(quotas: Quotas): number }[] = [
    { limit: 'connections', of: 'dials', has: ({ connections }) => connections.rate },
    { limit: 'handshakes', of: 'dials', has: ({ handshakes }) => handshakes.rate },
    { limit: 'frames', of: 'frames', has: ({ frames }) => frames.rate },
    { limit: 'requests', of: 'requests', has: ({ requests }) => requests.rate },
    { limit: 'pollers', of: 'turns', has: ({ turns }) => turns.most },
    { limit: 'environments', of: 'environments', has: ({ environments }) => environments },
    { limit: 'table', of: 'writes', has: ({ writes }) => writes.warm },
  ];
  const demands = SCENARIOS.map(({ name }) => outcomeOf(name, 'unlimited'));
  const own = sumOf(profile.turn).ms / 60_000;
  return table(
    [
      'in the busiest second',
      ...SCENARIOS.map(({ name }) => name),
      ...(['default', 'set', 'raised'] as const).map((name) => TITLES[name]),
    ],
    [
      ...rows.map(({ limit, of, has }) => [
        LIMITS[limit],
        ...demands.map((outcome) => count(outcome.peak(of))),
        ...[DEFAULT, SET, RAISED].map((quotas) => count(has(quotas))),
      ]),
      [
        'the model: output tokens a minute',
        ...demands.map((outcome) => count((outcome.peak('turns') * profile.outputTokens) / own)),
        '',
        '',
        '',
      ],
    ],
  );
}

async function plots(): Promise<void> {
  const [deployed, set, raised] = (['default', 'set', 'raised'] as const).map((quotas) =>
    outcomeOf('morning', quotas),
  );
  const asked = outcomeOf('morning', 'unlimited');
  if (!deployed || !set || !raised) throw new Error('The morning was not run.');
  await writePlot('morning-turns', {
    title: 'Morning: turns at once',
    up: 'linear',
    lines: [
      peaksOf(deployed, 'turns', 'run, as deployed', 60),
      peaksOf(deployed, 'waiting', 'wait, as deployed', 60),
      peaksOf(set, 'turns', 'run, settings raised', 60),
      peaksOf(raised, 'turns', 'run, quotas raised', 60),
    ],
  });
  await writePlot('morning-demand', {
    title: 'Morning: what is asked for, a second',
    lines: [
      peaksOf(asked, 'writes', 'write units', 60),
      peaksOf(asked, 'requests', 'requests of API Gateway', 60),
      peaksOf(asked, 'environments', 'environments at once', 60),
      peaksOf(asked, 'dials', 'new connections', 60),
    ],
  });
  const waits = (name: string, stretch: number, cases: readonly (readonly [string, QuotasName, string])[]) =>
    writePlot(name, {
      title: 'Wait for the first text, s, median of those who got it',
      up: 'linear',
      lines: cases.map(([scenario, quotas, label]) => waitsOf(outcomeOf(scenario, quotas), label, stretch)),
    });
  await waits('morning-wait', 60, [
    ['morning', 'default', 'as deployed'],
    ['morning', 'set', 'settings raised'],
    ['morning', 'raised', 'quotas raised'],
  ]);
  await waits('push-wait', 10, [
    ['push', 'default', 'as deployed'],
    ['push', 'set', 'settings raised'],
    ['push', 'raised', 'quotas raised'],
    ['spread push', 'raised', 'quotas raised, sent over five minutes'],
  ]);
}

function page(): string {
  const { ms, writes, reads, posts } = sumOf([
    ...profile.turn,
    profile.frames.message,
    profile.frames.steering,
  ]);
  const turn = sumOf(profile.turn).ms;
  return [
    dated(where, `; seed ${SEED}`),
    ...SCENARIOS.map(({ name, about }) => `- **${name}**: ${about}.`)
      .join('\n')
      .split('\n\n'),
    `A turn takes ${(turn / 1000).toFixed(1)} s of the turn function, ${writes.toFixed(1)} write units, ${reads.toFixed(0)} read units and ${posts} posts; with its frames, functions run for ${(ms / 1000).toFixed(1)} s.`,
    '### What a user sees',
    waitTable(),
    'Those who are refused:',
    refusalTable(),
    '![wait for the first text, morning](scale/morning-wait.svg)\n![wait for the first text, push](scale/push-wait.svg)',
    '### What binds, and when',
    boundTable(),
    '![turns at once, morning](scale/morning-turns.svg)\n![what is asked for, morning](scale/morning-demand.svg)',
    '### What is asked for',
    demandTable(),
    '### The quotas',
    table(
      ['quota', 'published', 'source'],
      PUBLISHED.map(({ name, value, source }) => [name, value, source]),
    ),
  ].join('\n\n');
}

function result() {
  return {
    name: 'scale',
    ...where,
    seed: SEED,
    profile,
    runs: runs.map(({ scenario, quotas, outcome }) => ({
      scenario: scenario.name,
      quotas,
      answered: outcome.answered,
      refused: outcome.refused,
      bound: Object.fromEntries(outcome.bound),
      connected: summarize(outcome.connected.all),
      accepted: summarize(outcome.accepted.all),
      firstText: summarize(outcome.firstText.all),
      stalled: summarize(outcome.stalled.all),
    })),
  };
}

function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' ? Math.round(value * 100) / 100 : value;
}
