import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Circumstances } from './circumstances.ts';
import { type BenchResult, type Figure, isMissed } from './result.ts';

const RESULTS = join(import.meta.dirname, 'results');

/** Where the last result of a bench is. */
export const resultPath = (name: string): string => join(RESULTS, `${name}.json`);

export async function writeResult(name: string, result: BenchResult, where: Circumstances): Promise<string> {
  await mkdir(RESULTS, { recursive: true });
  const file = resultPath(name);
  const rounded = (_key: string, value: unknown) => (typeof value === 'number' ? round(value) : value);
  await writeFile(file, `${JSON.stringify({ name, ...where, ...result }, rounded, 2)}\n`);
  return file;
}

export function formatCircumstances({ date, command, machine }: Circumstances): string {
  const { cores, cpu, platform, node, loadAverage } = machine;
  return [
    `${command}, ${date}`,
    `${cores} cores (${cpu}), ${platform}, Node ${node}, load average ${loadAverage} before`,
  ].join('\n');
}

const COLUMNS = ['p50', 'p90', 'p99', 'max', 'n', 'unit', 'target'] as const;

/** A table for the terminal: samples first, single values below. */
export function formatTable({ figures }: BenchResult): string {
  const width = Math.max(...figures.map(({ name }) => name.length));
  const row = (name: string, cells: readonly string[]) =>
    `  ${name.padEnd(width)}${cells.map((cell) => cell.padStart(9)).join('')}`;
  return [row('', COLUMNS), ...figures.map((figure) => row(figure.name, cellsOf(figure)))].join('\n');
}

function cellsOf(figure: Figure): string[] {
  if (!('summary' in figure)) return [shown(figure.value), '', '', '', '', figure.unit, ''];
  const { p50, p90, p99, max, count } = figure.summary;
  const times = [p50, p90, p99, max].map(shown);
  return [...times, String(count), figure.unit, targetOf(figure)];
}

function targetOf(figure: Figure): string {
  if (!('summary' in figure) || !figure.target) return '';
  return `  p50 < ${figure.target.p50Below}: ${isMissed(figure) ? 'MISSED' : 'met'}`;
}

const shown = (value: number) => (value >= 1000 ? value.toFixed(0) : value.toFixed(1));

const round = (value: number) => Math.round(value * 100) / 100;
