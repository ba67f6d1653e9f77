import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { circumstances } from '../circumstances.ts';
import { dated, table, writeSection } from '../page.ts';
import { formatCircumstances } from '../report.ts';
import { summarize } from '../stats.ts';
import { type Common, designsOf } from './designs.ts';
import { measureCommits } from './full-inbox.ts';
import { average, type Charge, totalOf, withTurnMemory } from './ledger.ts';
import { idleMonth } from './monthly.ts';
import { type Part, partsOf } from './parts.ts';
import { PRICE_LIST } from './prices.ts';
import { chunksInPace, type ReferenceTurn, runReferenceTurns } from './reference-turn.ts';

/**
 * `npm run bench:cost`: what AWS would bill for the reference turn, counted on the local cloud, beside other designs by the
 * same price list. A broken promise fails it; a missed target is only said.
 */
const TURNS = Number(process.env.TURNS ?? 5);
const MEMORIES_MB = [512, 256];
const TARGETS = {
  usd: { 512: 165, 256: 130 } as Record<number, number>,
  share: 0.3,
  frames: 50,
  fullInbox: 1.1,
};

const SECTION = { name: 'ledger', command: 'npm run bench:cost', page: 'cost.md' };

const perMillion = (charges: readonly Charge[]): number => 1e6 * totalOf(charges);
const verdict = (isMet: boolean): string => (isMet ? 'met' : 'MISSED');
const usd = (value: number): string => value.toFixed(value < 10 ? 2 : 1);
const amount = (value: number): string => (Number.isInteger(value) ? String(value) : value.toFixed(2));

function byMemory(all: readonly Charge[]): Record<number, number> {
  return Object.fromEntries(
    MEMORIES_MB.map((mb) => [mb, perMillion(withTurnMemory(all, mb, run.turnMemoryMb))]),
  );
}

/** What goes on in the turn function whatever its design: it is called, writes its log, and says what became of messages. */
const ALIKE_UNITS = new Set<Charge['unit']>(['fifoRequests', 'lambdaRequests', 'logBytes', 'traces']);

function commonOf(turns: readonly ReferenceTurn[], all: readonly Charge[]): Common {
  const received = turns.flatMap((turn) => turn.frames);
  const text = received.filter(({ isText }) => isText);
  const other = received.filter(({ isText }) => !isText);
  const textBytes = sum(text.map((frame) => frame.textBytes));
  return {
    turnGbSeconds: sum(
      all
        .filter(({ unit, by }) => unit === 'lambdaGbSeconds' && by === 'turn')
        .map(({ quantity }) => quantity),
    ),
    textBytes: textBytes / turns.length,
    envelopeBytes: (sum(text.map(({ bytes }) => bytes)) - textBytes) / text.length,
    otherFrames: other.length / turns.length,
    otherBytes: sum(other.map(({ bytes }) => bytes)) / turns.length,
    intake: all.filter(
      ({ by, unit, what }) =>
        (by !== 'turn' && by !== 'server') ||
        (by === 'turn' && (ALIKE_UNITS.has(unit) || what.endsWith(' MESSAGE'))),
    ),
  };
}

function framesOf(turns: readonly ReferenceTurn[]) {
  const counts = turns.map((turn) => turn.frames.length);
  const other = turns[0]?.frames.filter(({ isText }) => !isText).length ?? 0;
  return { min: Math.min(...counts), max: Math.max(...counts), other };
}

/** What so many more write units for each commit come to. */
const moreUnits = (all: readonly Charge[], units: number): Charge[] =>
  all
    .filter(({ unit, by, what }) => unit === 'writeUnits' && by === 'turn' && what === 'UpdateItem LANE')
    .map((charge) => ({ ...charge, quantity: charge.count * units }));

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);

function row(name: string, ...cells: readonly string[]): string {
  return `  ${name.padEnd(58)}${cells.map((cell) => cell.padStart(10)).join('  ')}`;
}

function printParts(parts: readonly Part[]): void {
  console.log(row('', 'calls', 'units', 'USD'));
  for (const part of parts) {
    console.log(row(part.name, amount(part.count), amount(part.quantity), usd(part.usd)));
  }
}

const where = { ...circumstances(), command: 'npm run bench:cost' };
console.log(formatCircumstances(where));
const run = await runReferenceTurns(TURNS);
const { turnMemoryMb } = run;
const charges = average(run.turns.map(({ ledger }) => ledger));
/** Of the design that makes a transaction for each window. */
const TRANSACTION_WINDOW_MS = 100;
const designs = designsOf(commonOf(run.turns, charges), TRANSACTION_WINDOW_MS).map((design) => ({
  name: design.name,
  about: design.about,
  usd: byMemory(design.charges),
}));
const ours = byMemory(charges);
const each = summarize(run.turns.map(({ ledger }) => perMillion(ledger.charges)));
const frames = framesOf(run.turns);

console.log(
  `\nreference turn, ${TURNS} times, ${run.turns.map(({ seconds }) => seconds.toFixed(1)).join(', ')} s`,
);
console.log(`US dollars per million turns, ${PRICE_LIST.region}, prices of ${PRICE_LIST.date}\n`);
printParts(partsOf(charges));
for (const mb of MEMORIES_MB) {
  const target = TARGETS.usd[mb] ?? 0;
  console.log(
    row(
      `all, ${mb} MB`,
      '',
      '',
      usd(ours[mb] ?? 0),
      `at most ${target}: ${verdict((ours[mb] ?? 0) <= target)}`,
    ),
  );
}
console.log(`  a turn at ${turnMemoryMb} MB, each run: ${usd(each.min)} to ${usd(each.max)}`);

console.log('\nthe same turn in other designs, by the same price list\n');
const [tokenPerFrame] = designs;
for (const { name, about, usd: costs } of designs) {
  console.log(
    `  ${name.padEnd(24)}${MEMORIES_MB.map((mb) => `${mb} MB: ${usd(costs[mb] ?? 0)}`.padEnd(18)).join('')}${about}`,
  );
}
const share = (ours[turnMemoryMb] ?? 0) / (tokenPerFrame?.usd[turnMemoryMb] ?? 0);
console.log(
  `  ours is ${share.toFixed(3)} of token per frame; at most ${TARGETS.share}: ${verdict(share <= TARGETS.share)}`,
);

console.log(
  `\nframes to the client: ${frames.min} to ${frames.max} a turn, of which ${frames.other} are no text; at most ${TARGETS.frames}: ${verdict(frames.max <= TARGETS.frames)}`,
);

console.log('\nevery charge of a turn\n');
for (const { unit, by, what, count, quantity } of charges) {
  console.log(row(`${by} ${what}`, amount(count), amount(quantity), unit));
}
const opening = partsOf(run.opening.charges);
console.log(
  `\nto open a connection, up to \`connected\`: ${usd(perMillion(run.opening.charges))} per million, at 256 MB`,
);

const commits = await measureCommits();
/** The reference turn, if the inbox were full from its beginning to its end. */
const besideFullInbox =
  (ours[turnMemoryMb] ?? 0) + perMillion(moreUnits(charges, commits.full - commits.empty));
const growth = besideFullInbox / (ours[turnMemoryMb] ?? 0);
console.log(
  `\na commit, with what is spilled: ${amount(commits.empty)} write units; with a full inbox ${amount(commits.full)}`,
);
console.log(
  `  the turn beside a full inbox: ${usd(besideFullInbox)}; at most ${TARGETS.fullInbox} times as much: ${verdict(growth <= TARGETS.fullInbox)} (${growth.toFixed(2)})`,
);

const idle = await idleMonth();
console.log('\na month in which nobody uses it, US dollars\n');
for (const { name, quantity, usd: cost } of idle) console.log(row(name, amount(quantity), usd(cost)));
console.log(row('all', '', usd(sum(idle.map((cost) => cost.usd)))));

// A machine that is late gathers more into a frame than the window does, and looks cheaper than it is.
const inPace = chunksInPace() + frames.other;
const isPaced = frames.min >= inPace - 3;
if (isPaced) await write();
else
  console.error(`NOT WRITTEN: this machine was too busy to keep pace, a turn had ${frames.min} frames only`);
for (const line of run.broken) console.error(`  BROKEN ${line}`);
if (run.broken.length === 0) console.log('every promise held');
process.exitCode = run.broken.length > 0 || !isPaced ? 1 : 0;

function page(): string {
  const goal = (value: number, most: number) => `${most}, ${value <= most ? 'met' : 'missed'}`;
  const totals = MEMORIES_MB.map((mb) => {
    const [value, most] = [ours[mb] ?? 0, TARGETS.usd[mb] ?? 0];
    return [`**all, turn function with ${mb} MB**`, '', '', `**${value.toFixed(0)}**`, goal(value, most)];
  });
  const [first] = designs;
  const ratio = (costs: Record<number, number>, mb: number) => (costs[mb] ?? 0) / (first?.usd[mb] ?? 0);
  const [most, least] = [MEMORIES_MB[0] ?? 0, MEMORIES_MB[1] ?? 0];
  const beside = [
    ...designs.slice(0, -1),
    { name: '**Midturn**, as run', about: '', usd: ours },
    ...designs.slice(-1),
  ];
  return [
    dated(
      { ...where },
      `; the mean of ${TURNS} turns in one session, of ${(sum(run.turns.map(({ seconds }) => seconds)) / TURNS).toFixed(1)} s; US dollars per million turns`,
    ),
    table(
      ['over a frame for each token', `${most} MB`, `${least} MB`, 'goal'],
      [['Midturn', ...[most, least].map((mb) => ratio(ours, mb).toFixed(2)), goal(share, TARGETS.share)]],
    ),
    table(
      ['part', 'calls', 'billed units', 'USD', 'goal'],
      [
        ...partsOf(charges).map(({ name, count, quantity, usd: cost }) => [
          name,
          amount(count),
          amount(quantity),
          usd(cost),
          '',
        ]),
        ...totals,
      ],
    ),
    `The ${TURNS} turns came to between ${each.min.toFixed(0)} and ${each.max.toFixed(0)} USD at ${turnMemoryMb} MB: how many frames a turn has depends on when its tokens come. They had ${frames.min} to ${frames.max} frames, ${frames.other} of them without text (goal: at most ${TARGETS.frames}, ${frames.max <= TARGETS.frames ? 'met' : 'missed'}). To open a connection, from the handshake to \`connected\`, costs ${usd(perMillion(run.opening.charges))} USD per million.`,
    `A commit costs ${amount(commits.empty)} write units, with what is spilled. While five messages of 24 KB wait it costs ${amount(commits.full)}. The turn beside so full an inbox costs ${besideFullInbox.toFixed(0)} USD at ${turnMemoryMb} MB (goal: at most ${TARGETS.fullInbox} times as much, ${growth <= TARGETS.fullInbox ? 'met' : 'missed'}).`,
    'The same turn in other designs, by the same price list:',
    table(
      ['design', `${most} MB`, `${least} MB`, ''],
      beside.map(({ name, about, usd: costs }) => [
        name,
        (costs[most] ?? 0).toFixed(0),
        (costs[least] ?? 0).toFixed(0),
        about,
      ]),
    ),
  ].join('\n\n');
}

async function write(): Promise<void> {
  await writeSection(SECTION, page());
  const file = join(import.meta.dirname, '..', 'results', 'cost.json');
  await mkdir(join(file, '..'), { recursive: true });
  const result = {
    name: 'cost',
    ...where,
    ...PRICE_LIST,
    turns: TURNS,
    parts: partsOf(charges),
    usd: ours,
    each,
    designs,
    share,
    frames: { ...frames, inPace },
    charges,
    opening,
    commits,
    idle,
    broken: run.broken,
  };
  const rounded = (_key: string, value: unknown) =>
    typeof value === 'number' ? Math.round(value * 1000) / 1000 : value;
  await writeFile(file, `${JSON.stringify(result, rounded, 2)}\n`);
  console.log(`written to ${file} and docs/cost.md`);
}
