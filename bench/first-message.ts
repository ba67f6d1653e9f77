import { readFile } from 'node:fs/promises';
import type { Circumstances } from './circumstances.ts';
import type { FirstMessage, Imports, Starts } from './latency/cold-start.ts';
import { firstMessage, REQUEST_PROCESSOR_MS } from './latency/cold-start.ts';
import { DELAYS, sample } from './latency/delays.ts';
import { dated, type Section, table } from './page.ts';
import { resultPath } from './report.ts';
import type { Bench, BenchResult, Figure } from './result.ts';
import { summarize } from './stats.ts';

const RUNS = 1000;
const SECTION: Section = { name: 'first message', command: 'npm run bench -- first-message' };
/** Over the model's own time. */
const TARGET_MS = 1200;
/** Of the turn function, one of the providers. */
const TURN = 'turn, openai-compatible';

/** What is compared, the stack as it is last. */
const CASES: readonly (readonly [label: string, starts?: Starts])[] = [
  ['all functions run already'],
  ['first requests in first invocations', { firstRequest: 'in the first invocation', wakes: false }],
  ['first requests while environments start', { firstRequest: 'while it starts', wakes: false }],
  ['and the turn function woken', { firstRequest: 'while it starts', wakes: true }],
];
const PARTS: readonly (keyof FirstMessage)[] = ['handshake', 'connected', 'accepted', 'firstText', 'all'];

/**
 * What somebody waits for who is the first one on a stack after an hour, in virtual time: published times of Lambda's environments
 * and of AWS's services, and the import times of the last `npm run bench -- bundles`.
 */
export const firstMessages: Bench = { name: 'first-message', run, page };

async function run(): Promise<BenchResult> {
  const imports = await measuredImports();
  const figures: Figure[] = [];
  for (const [label, starts] of CASES) {
    const all: FirstMessage[] = [];
    for (let seed = 1; seed <= RUNS; seed++)
      all.push(await firstMessage((random) => (what) => sample(what, random), seed, imports, starts));
    const isLast = label === CASES.at(-1)?.[0];
    for (const part of PARTS)
      figures.push({
        name: `${label}: ${part}`,
        unit: 'ms',
        summary: summarize(all.map((one) => one[part])),
        ...(isLast && part === 'all' && { target: { p50Below: TARGET_MS } }),
      });
  }
  return {
    about: `the first message to a stack at rest, ${RUNS} times, in virtual time`,
    figures,
    broken: [],
  };
}

/** Without the first request's share of the processor, which a measured import has in it. */
export async function measuredImports(): Promise<Imports> {
  const { figures } = JSON.parse(await readFile(resultPath('bundles'), 'utf8')) as BenchResult;
  const importOf = (label: string): number => {
    const figure = figures.find(({ name }) => name === label);
    if (!figure || !('summary' in figure))
      throw new Error(`npm run bench -- bundles has not measured ${label}.`);
    return figure.summary.p50;
  };
  return {
    authorizer: importOf('authorizer'),
    connection: importOf('connection') - REQUEST_PROCESSOR_MS,
    inbound: importOf('inbound') - REQUEST_PROCESSOR_MS,
    turn: importOf(TURN) - REQUEST_PROCESSOR_MS,
    deadline: importOf('deadline'),
  };
}

function page({ figures }: BenchResult, where: Circumstances): { section: Section; text: string } {
  const cells = (label: string, quantile: 'p50' | 'p99') =>
    PARTS.map((part) => {
      const figure = figures.find(({ name }) => name === `${label}: ${part}`);
      return figure && 'summary' in figure ? figure.summary[quantile].toFixed(0) : '';
    });
  const rows = CASES.flatMap(([label]) => [
    [label, 'p50', ...cells(label, 'p50')],
    ['', 'p99', ...cells(label, 'p99')],
  ]);
  const head = [
    'ms',
    '',
    'handshake',
    '`connect` to `connected`',
    'message to `accepted`',
    'message to first text, less the model',
    'handshake to first text, less the model',
  ];
  const delays = (['environment', 'firstRequest'] as const).map(
    (name) => `- ${name}: ${DELAYS[name].quantiles[50]} ms at the median. ${DELAYS[name].source}.`,
  );
  const text = [
    dated({ ...where, command: SECTION.command }, `; ${RUNS} times`),
    table(head, rows),
    ...delays,
  ];
  return { section: SECTION, text: text.join('\n\n') };
}
