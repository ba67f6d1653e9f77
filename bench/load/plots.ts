import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { plotSvg } from '../plot.ts';
import type { Growth, GrowthPoint } from './growth.ts';

const FOLDER = join(import.meta.dirname, '..', '..', 'docs', 'performance');

/** One picture for each thing that grows. Where there is none of it yet has no place on its axis. */
export async function writePlots(growths: readonly Growth[]): Promise<void> {
  await mkdir(FOLDER, { recursive: true });
  for (const { name, unit, points } of growths) {
    const line = (label: string, color: string, y: (point: GrowthPoint) => number) => ({
      name: label,
      color,
      points: points.filter(({ n }) => n > 0).map((point) => [point.n, y(point)] as const),
    });
    const svg = plotSvg({
      title: `Cost of a turn: ${name}`,
      x: unit,
      series: [
        line('calls to services', '#1f6feb', ({ calls }) => calls),
        line('KB there and back', '#bf5700', ({ bytes }) => bytes / 1000),
        line('processor time, ms', '#2e7d32', ({ cpuMs }) => cpuMs),
      ],
    });
    await writeFile(join(FOLDER, `${name}.svg`), svg);
  }
}
