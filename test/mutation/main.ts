import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Random } from '../simulation/random.ts';
import { changedSince, filesBelow } from './changed.ts';
import { faultsOf, type Planted, withFault } from './operators.ts';
import { areaOf, isSame, type Outcome, pageOf } from './page.ts';
import { copyProject, ROOT } from './project-copy.ts';
import { type Shown, STAGES, showFault } from './stages.ts';
import { failingCopies } from './type-check.ts';

const USAGE = `npm run mutants -- [options] [files or folders]
  --since HEAD~1     tries the lines that changed since that commit, if no file is named
  --minutes 30       ends after that time; what was tried is a random part of all
  --count 50         ends after so many faults
  --each 16          takes so many of each area: the folders of core, and every other top folder
  --seed 1           decides which faults are tried first
  --quick            without the scenarios: simulation and unit tests only
  --outcomes FILE    keeps there what was tried (a line of JSON each), and goes on from it
  --page FILE        writes the survivors there (Markdown)`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    since: { type: 'string', default: 'HEAD~1' },
    minutes: { type: 'string', default: '30' },
    count: { type: 'string', default: 'Infinity' },
    each: { type: 'string', default: 'Infinity' },
    seed: { type: 'string', default: '1' },
    quick: { type: 'boolean', default: false },
    outcomes: { type: 'string' },
    page: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

/** Faults that are type-checked at once: the compiler looks for each import in each copy. */
const BATCH = 60;

async function search(): Promise<void> {
  const until = performance.now() + Number(values.minutes) * 60_000;
  const files = positionals.length > 0 ? filesBelow(positionals) : changedSince(values.since);
  const all = shuffled(
    [...files].flatMap(([file, counts]) =>
      faultsOf(file, readFileSync(join(ROOT, file), 'utf8'))
        .filter(({ line }) => counts(line))
        .map((fault): Planted => ({ ...fault, file })),
    ),
  );
  console.log(`${all.length} faults in ${files.size} files`);
  const outcomes = keptOutcomes();
  const left = all.filter((fault) => !outcomes.some((one) => isSame(one, fault)));
  if (left.length > 0) {
    using copy = copyProject();
    for await (const fault of compiling(left)) {
      if (performance.now() > until || outcomes.length >= Number(values.count)) break;
      if (outcomes.filter(({ file }) => areaOf(file) === areaOf(fault.file)).length >= Number(values.each))
        continue;
      const outcome = await tried(copy.folder, fault);
      console.log(outcome ? lineOf(outcome) : `UNCLEAR  ${fault.file}:${fault.line} ${fault.operator}`);
      if (!outcome) continue;
      outcomes.push(outcome);
      if (values.outcomes !== undefined) appendFileSync(values.outcomes, `${JSON.stringify(outcome)}\n`);
    }
  }
  // Without what decides how long it lasts, and where it writes.
  const command = [
    'npm run mutants --',
    ...(values.quick ? ['--quick'] : []),
    ...(values.each === 'Infinity' ? [] : ['--each', values.each]),
    ...['--seed', values.seed],
    ...(positionals.length > 0 ? positionals : ['--since', values.since]),
  ].join(' ');
  const page = pageOf(outcomes, { all: all.length, command, date: new Date().toISOString().slice(0, 10) });
  if (values.page !== undefined) writeFileSync(values.page, page);
  console.log(`\n${page}`);
}

/** What an earlier run with the same `--outcomes` has tried. */
function keptOutcomes(): Outcome[] {
  if (values.outcomes === undefined || !existsSync(values.outcomes)) return [];
  return readFileSync(values.outcomes, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line): Outcome => JSON.parse(line));
}

/** Those that the compiler takes. */
async function* compiling(faults: readonly Planted[]): AsyncGenerator<Planted> {
  for (let from = 0; from < faults.length; from += BATCH) {
    const batch = faults.slice(from, from + BATCH);
    const rejected = await rejectedByTypes(batch);
    for (const [i, fault] of batch.entries()) if (!rejected.has(i)) yield fault;
  }
}

/** The numbers of the faults in the batch that do not compile. */
async function rejectedByTypes(batch: readonly Planted[]): Promise<ReadonlySet<number>> {
  const rejected = new Set<number>();
  const byConfig = Map.groupBy(batch.entries(), ([, { file }]) =>
    ['client', 'web', 'chat'].includes(file.split('/')[0] ?? '') ? (file.split('/')[0] ?? '') : '.',
  );
  for (const [config, faults] of byConfig) {
    const copies = new Map(
      faults.map(([i, fault]) => [
        `fault-${i}`,
        new Map([[fault.file, withFault(readFileSync(join(ROOT, fault.file), 'utf8'), fault)]]),
      ]),
    );
    for (const name of await failingCopies(copies, config)) rejected.add(Number(name.slice('fault-'.length)));
  }
  return rejected;
}

/** Undefined: what failed fails without the fault too, so that nothing can be said. */
async function tried(folder: string, fault: Planted): Promise<Outcome | undefined> {
  const path = join(folder, fault.file);
  const text = readFileSync(path, 'utf8');
  const stages = values.quick ? STAGES.filter(({ name }) => name !== 'scenarios') : STAGES;
  let shown: Shown | undefined;
  writeFileSync(path, withFault(text, fault));
  try {
    shown = await showFault(folder, fault.file, stages);
  } finally {
    writeFileSync(path, text);
  }
  if (!shown) return { ...fault, shownBy: undefined };
  const { stage, by } = shown;
  // A test file that passed once without a fault is sound.
  const key = `${stage} ${by ?? fault.file}`.replace(/(\.test\.ts).*/, '$1');
  if (!sound.has(key) && !(await shown.passesWithoutFault())) return undefined;
  sound.add(key);
  return { ...fault, shownBy: by === undefined ? stage : `${stage}: ${by}` };
}
const sound = new Set<string>();

function shuffled(faults: readonly Planted[]): Planted[] {
  const random = new Random(Number(values.seed));
  return faults
    .map((fault) => ({ fault, at: random.next() }))
    .sort((a, b) => a.at - b.at)
    .map(({ fault }) => fault);
}

const lineOf = ({ file, line, operator, shownBy }: Outcome): string =>
  `${shownBy === undefined ? 'SURVIVES' : 'caught  '} ${file}:${line} ${operator}${shownBy === undefined ? '' : ` (${shownBy})`}`;

if (values.help) console.log(USAGE);
else await search();
