import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { circumstances } from '../circumstances.ts';
import { dated, table, writeSection } from '../page.ts';
import { slopeAtEnd } from '../plot.ts';
import { formatCircumstances } from '../report.ts';
import type { MemoryPoint } from './environment.ts';
import { bytesPerTurn, countCalls, measureCpu, measureMemory } from './environment.ts';
import type { Growth } from './growth.ts';
import { measureGrowth } from './growth.ts';
import { writePlots } from './plots.ts';
import { measureSdk } from './sdk.ts';
import { measureSessions } from './sessions.ts';

/**
 * `npm run bench:load`: what a turn takes of a processor, what it leaves in memory, how its cost grows with what is new and
 * with what is old, and how many sessions this machine holds. A broken promise fails it; a missed goal is only said.
 */
const CPU_TURNS = 300;
const MEMORY_TURNS = 10_000;
const LOOKS = 10;
const LEVELS = [5, 10, 20, 40];
const GOALS = { cpuMs: 60, bytesPerTurn: 100 };
const SECTION = { name: 'load', command: 'npm run bench:load' };
const ROOT = join(import.meta.dirname, '..', '..');

const where = { ...circumstances(), command: SECTION.command };
console.log(formatCircumstances(where));
const cpu = await measureCpu(CPU_TURNS);
console.log(
  `\nprocessor time of a reference turn, ${CPU_TURNS} times: ${cpu.p50.toFixed(1)} ms p50, ${cpu.p99.toFixed(1)} p99`,
);
const calls = await countCalls();
const sdk = await measureSdk();
console.log(`of AWS's client: a commit ${sdk.commit.toFixed(2)} ms, a post ${sdk.post.toFixed(2)} ms`);
const memory = await measureMemory(MEMORY_TURNS, LOOKS);
console.log(
  `heap after a collection: ${memory.map(megabytes).join(', ')} MB; ${bytesPerTurn(memory).toFixed(0)} bytes a turn`,
);
const growths = await measureGrowth();
for (const growth of growths) console.log(`\n${growth.name}\n${growthTable(growth)}`);
const levels = await measureSessions(LEVELS);
console.log(`\n${levelTable()}`);
await write();
const broken = levels.flatMap((level) => level.broken);
for (const line of broken) console.error(`BROKEN ${line}`);
process.exitCode = broken.length > 0 ? 1 : 0;

function megabytes({ heap }: MemoryPoint): string {
  return (heap / 1e6).toFixed(2);
}

function growthTable({ unit, points }: Growth): string {
  return table(
    [unit, 'calls', 'KB there and back', 'CPU, ms'],
    points.map(({ n, calls, bytes, cpuMs }) => [
      n.toLocaleString('en-US'),
      calls.toLocaleString('en-US'),
      (bytes / 1000).toFixed(0),
      cpuMs.toFixed(1),
    ]),
  );
}

function levelTable(): string {
  return table(
    [
      'sessions at once',
      'frames/s',
      'tokens/s',
      'accepted, ms p50',
      'p99',
      'message to turn begun, ms p50',
      'p99',
      'turns took, of the model’s time',
    ],
    levels.map(({ sessions, framesPerSecond, tokensPerSecond, accepted, queueWait, stretch }) => [
      String(sessions),
      framesPerSecond.toFixed(0),
      tokensPerSecond.toFixed(0),
      accepted.p50.toFixed(0),
      accepted.p99.toFixed(0),
      queueWait.p50.toFixed(0),
      queueWait.p99.toFixed(0),
      stretch.toFixed(2),
    ]),
  );
}

function verdict(value: number, goal: number): string {
  return value < goal ? 'met' : 'missed';
}

function page(): string {
  const leaves = bytesPerTurn(memory);
  const sdkMs = sdk.commit * calls.dynamodb + sdk.post * calls.posts;
  const summary = table(
    ['in one environment', '', 'goal'],
    [
      [
        'processor time of a reference turn, our code, ms p50',
        cpu.p50.toFixed(1),
        `${GOALS.cpuMs}, ${verdict(cpu.p50, GOALS.cpuMs)}`,
      ],
      ['the same, p99', cpu.p99.toFixed(1), ''],
      [
        `what AWS's client adds, ${calls.dynamodb} × ${sdk.commit.toFixed(2)} + ${calls.posts} × ${sdk.post.toFixed(2)} ms`,
        sdkMs.toFixed(0),
        '',
      ],
      [
        `heap after ${memory[0]?.turns.toLocaleString('en-US')} turns, MB`,
        memory.slice(0, 1).map(megabytes).join(),
        '',
      ],
      [
        `heap after ${MEMORY_TURNS.toLocaleString('en-US')} turns, MB`,
        memory.slice(-1).map(megabytes).join(),
        `no growth, ${verdict(leaves, GOALS.bytesPerTurn)}`,
      ],
    ],
  );
  const plots = growths.map(({ name, unit }) => `![cost of a turn by ${unit}](performance/${name}.svg)`);
  const slopes = growths.map(({ name, kind, unit, points }) => {
    const of = (y: 'calls' | 'bytes') =>
      slopeAtEnd(points.map((point) => [point.n, point[y]] as const)).toFixed(2);
    return `- **${name}** (${kind}): ${unit}; between the last two points calls grow with the power ${of('calls')}, bytes with ${of('bytes')}.`;
  });
  return [
    dated(where),
    summary,
    plots.join('\n'),
    slopes.join('\n'),
    ...growths.map(growthTable),
    levelTable(),
  ].join('\n\n');
}

async function write(): Promise<void> {
  await writePlots(growths);
  const file = join(ROOT, 'bench', 'results', 'load.json');
  await mkdir(join(file, '..'), { recursive: true });
  const rounded = (_key: string, value: unknown) =>
    typeof value === 'number' ? Math.round(value * 1000) / 1000 : value;
  await writeFile(
    file,
    `${JSON.stringify({ name: 'load', ...where, cpu, calls, sdk, memory, growths, levels }, rounded, 2)}\n`,
  );
  await writeSection(SECTION, page());
  console.log(`\nwritten to ${file}, docs/performance.md and docs/performance/`);
}
