import type { Circumstances } from './circumstances.ts';
import type { Section } from './page.ts';
import type { Summary } from './stats.ts';

/** One line of a bench's table. */
export type Figure = {
  name: string;
  unit: string;
} & ({ summary: Summary; target?: Target } | { value: number });

/** What the p50, and perhaps the p99, should stay below, in the figure's unit. */
export interface Target {
  p50Below: number;
  p99Below?: number;
}

export interface BenchResult {
  /** What was done, in one line. */
  about: string;
  figures: Figure[];
  /** Promises that did not hold, one line each. */
  broken: string[];
}

/** A bench measures what its name says, on a stack of its own. Its results go to `results/<name>.json`. */
export interface Bench {
  name: string;
  run(): Promise<BenchResult>;
  /** What it says on `docs/performance.md`, and where. */
  page?(result: BenchResult, where: Circumstances): { section: Section; text: string };
}

export const isMissed = (figure: Figure): boolean =>
  'summary' in figure &&
  figure.target !== undefined &&
  (figure.summary.p50 >= figure.target.p50Below ||
    figure.summary.p99 >= (figure.target.p99Below ?? Number.POSITIVE_INFINITY));

/** @example goalOf(figure) // '100, p99 400: missed' */
export function goalOf(figure: Figure): string {
  if (!('summary' in figure) || !figure.target) return '';
  const { p50Below, p99Below } = figure.target;
  return `${p50Below}${p99Below === undefined ? '' : `, p99 ${p99Below}`}: ${isMissed(figure) ? 'missed' : 'met'}`;
}
