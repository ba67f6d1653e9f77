import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Plot } from '../plot.ts';
import { plotSvg } from '../plot.ts';
import { percentile } from '../stats.ts';
import type { Moment, Outcome } from './outcome.ts';

const FOLDER = join(import.meta.dirname, '..', '..', 'docs', 'scale');
const COLORS = ['#1f6feb', '#bf5700', '#2e7d32', '#8250df'] as const;
const MINUTE = 60;
/** A median of fewer people says little. */
const FEWEST = 20;

interface Line {
  name: string;
  points: readonly (readonly [x: number, y: number])[];
}

/** Writes `docs/scale/<name>.svg`, over minutes. */
export async function writePlot(
  name: string,
  { title, up, lines }: { title: string; up?: 'linear'; lines: readonly Line[] },
): Promise<void> {
  const plot: Plot = {
    title,
    x: 'minutes',
    across: 'linear',
    ...(up && { up }),
    series: lines.map((line, n) => ({ ...line, color: COLORS[n % COLORS.length] ?? COLORS[0] })),
  };
  await mkdir(FOLDER, { recursive: true });
  await writeFile(join(FOLDER, `${name}.svg`), plotSvg(plot));
}

/** The highest second of each stretch of so many. */
export function peaksOf(outcome: Outcome, of: keyof Moment, name: string, stretch: number): Line {
  const points: [number, number][] = [];
  for (let from = 0; from < outcome.seconds.length; from += stretch) {
    const most = Math.max(...outcome.seconds.slice(from, from + stretch).map((second) => second[of]));
    points.push([from / MINUTE, most]);
  }
  return { name, points };
}

/** What the median person waited for the first text, in seconds, by when the message was sent. */
export function waitsOf({ firstText }: Outcome, name: string, stretch: number): Line {
  return {
    name,
    points: firstText.by(stretch * 1000).flatMap((waits, n) => {
      if (waits.length < FEWEST) return [];
      const sorted = waits.toSorted((a, b) => a - b);
      return [[(n * stretch) / MINUTE, percentile(sorted, 50) / 1000] as const];
    }),
  };
}
