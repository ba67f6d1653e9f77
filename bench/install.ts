import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pack } from '../packaging/pack.ts';
import { projectWithNpm, type Running, type UserProject } from '../test/packages/user-project.ts';
import { startRegistry } from '../test/support/npm-registry.ts';
import { circumstances } from './circumstances.ts';
import { dated, table, writeSection } from './page.ts';
import { formatCircumstances, formatTable, writeResult } from './report.ts';
import type { BenchResult, Figure } from './result.ts';
import { summarize } from './stats.ts';

/**
 * `npm run bench:install`: from `npx midturn init` to the end of the first steered answer, as a new user goes, with npm's cache filled and a
 * registry on this machine. A run that is not measured fills the cache.
 */
const RUNS = Number(process.env.RUNS ?? 3);
const SECTION = { name: 'install', command: 'npm run bench:install' };
const STEPS = [
  'npx midturn init',
  'npm install',
  'midturn dev, until it is ready',
  'midturn smoke: one steered answer',
];

const where = { ...circumstances(), command: SECTION.command };
console.log(formatCircumstances(where));
const folder = await mkdtemp(join(tmpdir(), 'midturn-install-'));
try {
  const registry = await startRegistry(await pack(join(folder, 'packages')));
  const cache = join(folder, 'cache');
  const play = async (name: string): Promise<number[]> => {
    // What npx keeps of a package that it ran before.
    await rm(join(cache, '_npx'), { recursive: true, force: true });
    await mkdir(join(folder, name));
    const at = (path: string) => projectWithNpm(path, { registry, cache });
    const times = await userGoes(at(join(folder, name)), at(join(folder, name, 'chat')));
    await rm(join(folder, name), { recursive: true, force: true, maxRetries: 5 });
    return times;
  };
  try {
    await play('warm-up');
    const runs: number[][] = [];
    for (let n = 0; n < RUNS; n++) runs.push(await play(`run-${n}`));
    const result = resultOf(runs);
    console.log(`\n${result.about}\n${formatTable(result)}\n`);
    await writeSection(SECTION, pageOf(result));
    console.log(`written to ${await writeResult('install', result, where)} and docs/performance.md`);
  } finally {
    await registry.close();
  }
} finally {
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}

/** @returns seconds of each step */
async function userGoes(parent: UserProject, project: UserProject): Promise<number[]> {
  const times: number[] = [];
  const timed = async <T>(step: () => Promise<T>): Promise<T> => {
    const begun = performance.now();
    const result = await step();
    times.push((performance.now() - begun) / 1000);
    return result;
  };
  await timed(() =>
    succeeds(parent.npm('exec', '--yes', '--package=midturn', '--', 'midturn', 'init', 'chat')),
  );
  await timed(() => succeeds(project.npm('install')));
  let dev: Running | undefined;
  try {
    const url = await timed(async () => {
      dev = project.start(['dev'], { PORT: '0' });
      return /ws:\S+/.exec(await dev.line(/^midturn ready /))?.[0] ?? '';
    });
    await timed(() => succeeds(project.bin('midturn', ['smoke', url])));
  } finally {
    await dev?.stop();
  }
  return times;
}

async function succeeds(running: Promise<{ code: number; stdout: string; stderr: string }>): Promise<void> {
  const { code, stdout, stderr } = await running;
  if (code !== 0) throw new Error(`It ended with exit code ${code}:\n${stdout}${stderr}`);
}

function resultOf(runs: readonly number[][]): BenchResult {
  const of = (name: string, samples: readonly number[], p50Below?: number): Figure => ({
    name,
    unit: 's',
    summary: summarize(samples),
    ...(p50Below !== undefined && { target: { p50Below } }),
  });
  const whole = runs.map((times) => times.reduce((sum, seconds) => sum + seconds, 0));
  return {
    about: `${runs.length} new projects, with npm's cache filled and npx's not`,
    figures: [
      ...STEPS.map((name, step) =>
        of(
          name,
          runs.map((times) => times[step] ?? 0),
        ),
      ),
      of('in all', whole, 60),
    ],
    broken: [],
  };
}

function pageOf({ figures }: BenchResult): string {
  const rows = figures.flatMap((figure) =>
    'summary' in figure
      ? [[figure.name, figure.summary.min, figure.summary.p50, figure.summary.max].map(String)]
      : [],
  );
  const seconds = rows.map(([name = '', ...times]) => [
    name,
    ...times.map((time) => Number(time).toFixed(1)),
  ]);
  return `${dated(where)}\n\n${table(['step, in seconds', 'least', 'median', 'most'], seconds)}`;
}
