import { circumstances } from '../circumstances.ts';
import { dated, table, writeSection } from '../page.ts';
import { formatCircumstances, formatTable, writeResult } from '../report.ts';
import type { BenchResult, Figure, Target } from '../result.ts';
import { goalOf, isMissed } from '../result.ts';
import { summarize } from '../stats.ts';
import type { Call } from '../virtual/time.ts';
import type { Act, Paths, TurnTimes } from './conversation.ts';
import { converse, FIRST_TOKEN_MS, median, woken } from './conversation.ts';
import type { Delay } from './delays.ts';
import { DELAYS } from './delays.ts';
import { usdOf, WAKE_UPS } from './wake-up.ts';

/**
 * `npm run bench:latency`: what a client waits for with the delays that are published of AWS, in virtual time, so that a
 * thousand turns take seconds and come out the same from the same seed. A boundary that passes a message by fails it; a
 * missed time is only said.
 */
const SESSIONS = Number(process.env.SESSIONS ?? 150);
const SEED = Number(process.env.SEED ?? 1);
const ACTS = [
  ...Array<Act>(6).fill('steered'),
  ...Array<Act>(2).fill('steered now'),
  ...Array<Act>(2).fill('aborted'),
];
const SECTION = { name: 'latency', command: 'npm run bench:latency' };
const TITLES: Record<keyof Paths, string> = {
  accepted: 'frame sent to `accepted`',
  firstChunk: 'frame sent to first chunk',
  steering: 'boundary to the model call that has the steering message',
};

const where = { ...circumstances(), command: SECTION.command };
console.log(formatCircumstances(where));
const turns: TurnTimes[] = [];
for (let n = 0; n < SESSIONS; n++) turns.push(...(await converse(SEED + n, ACTS)).turns);
const ifWoken: TurnTimes[] = [];
for (let n = 0; n < SESSIONS; n++) ifWoken.push(...(await converse(SEED + n, ACTS, woken)).turns);
const { paths } = await converse(SEED, ['steered', 'steered'], median);
const result = resultOf(turns, ifWoken);
console.log(`\nlatency: ${result.about}\n${formatTable(result)}\n`);
for (const title of titles()) console.log(`${TITLES[title]}\n${pathTable(paths[title])}\n`);
for (const figure of result.figures.filter(isMissed)) console.log(`missed its target: ${figure.name.trim()}`);
for (const line of result.broken) console.error(`BROKEN ${line}`);
console.log(`written to ${await writeResult('latency', result, where)} and docs/performance.md`);
await writeSection(SECTION, page());
process.exitCode = result.broken.length > 0 ? 1 : 0;

function resultOf(all: readonly TurnTimes[], ifWoken: readonly TurnTimes[]): BenchResult {
  const ms = (name: string, samples: readonly number[], target?: Target): Figure => ({
    name,
    unit: 'ms',
    summary: summarize(samples),
    ...(target && { target }),
  });
  const later = all.filter(({ isFirst }) => !isFirst);
  const steered = (act: Act) =>
    all.flatMap((turn) => (turn.act === act && turn.steering ? [turn.steering] : []));
  const whole = all.filter(({ act }) => act === 'steered');
  const missed = all.reduce((sum, { steering }) => sum + (steering?.missed ?? 0), 0);
  return {
    about: `${all.length} reference turns in ${SESSIONS} sessions, seed ${SEED}, the model's first token after ${FIRST_TOKEN_MS} ms`,
    figures: [
      ms(
        'message to accepted',
        all.map(({ accepted }) => accepted),
        { p50Below: 60 },
      ),
      ms(
        'message to first chunk, less the model',
        later.map(({ firstChunk }) => firstChunk),
        { p50Below: 100, p99Below: 400 },
      ),
      ms(
        '  the same, first turn of a session',
        all.filter(({ isFirst }) => isFirst).map(({ firstChunk }) => firstChunk),
      ),
      ms(
        '  the same, if a standard queue woke the function too',
        ifWoken.filter(({ isFirst }) => !isFirst).map(({ firstChunk }) => firstChunk),
      ),
      ms(
        'message to done, less model and tools',
        whole.map(({ endToEnd }) => endToEnd),
      ),
      ms(
        'steering to accepted',
        steered('steered').map(({ accepted }) => accepted),
      ),
      ms(
        'steering to the model call that has it',
        steered('steered').map(({ takenIn }) => takenIn),
      ),
      ms(
        '  of it: after the boundary',
        steered('steered').map(({ fromBoundary }) => fromBoundary),
      ),
      ms(
        'delivery now to the model call that has it',
        steered('steered now').map(({ takenIn }) => takenIn),
      ),
      ms(
        'abort to aborted',
        all.flatMap(({ aborted }) => aborted ?? []),
      ),
      { name: 'boundaries that passed a message by', unit: '', value: missed },
    ],
    broken: missed > 0 ? [`P6: ${missed} boundaries passed by a message that was on the lane before`] : [],
  };
}

function titles(): (keyof Paths)[] {
  return ['accepted', 'firstChunk', 'steering'];
}

/** A call a line: when it begins, after the call above it, and how long it takes. */
function pathTable(path: readonly Call[]): string {
  const began = path[0]?.began ?? 0;
  return table(
    ['call', 'begins, ms', 'takes'],
    path.map((call) => [
      `${call.by}: ${call.operation}`,
      (call.began - began).toFixed(1),
      (call.ended - call.began).toFixed(1),
    ]),
  );
}

function page(): string {
  const figures = table(
    ['ms', 'p50', 'p90', 'p99', 'goal'],
    result.figures.flatMap((figure) =>
      'summary' in figure
        ? [
            [
              figure.name.trim(),
              ...[figure.summary.p50, figure.summary.p90, figure.summary.p99].map((value) =>
                value.toFixed(0),
              ),
              goalOf(figure),
            ],
          ]
        : [],
    ),
  );
  const delays = table(
    ['delay', 'p50, ms', 'p99', 'source'],
    Object.entries(DELAYS).map(([name, { quantiles, source, ...more }]) => [
      name,
      String(quantiles[50]),
      String(quantiles[99]),
      `${(more as Partial<Delay>).estimated ? 'estimate: ' : ''}${source}`,
    ]),
  );
  const wakeUps = table(
    ['a wake-up by a standard queue, if', 'how', 'USD per million turns'],
    WAKE_UPS.map((one) => [one.name, one.about, usdOf(one).toFixed(1)]),
  );
  return [
    dated(where, `; ${result.about}`),
    figures,
    `What such a wake-up would cost, by the prices of the ledger (at most 4 USD):\n\n${wakeUps}`,
    ...titles().map(
      (title) =>
        `Critical path, ${TITLES[title]}, each call as slow as its median:\n\n${pathTable(paths[title])}`,
    ),
    `What the calls take:\n\n${delays}`,
  ].join('\n\n');
}
