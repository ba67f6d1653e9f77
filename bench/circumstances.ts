import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';

/** Where and when something was measured: without it a figure says nothing. */
export interface Circumstances {
  date: string;
  command: string;
  machine: {
    cores: number;
    cpu: string;
    memoryMiB: number;
    platform: string;
    node: string;
    /** Of the last minute, before the bench began: above 0 something else was running too. */
    loadAverage: number;
  };
}

export function circumstances(): Circumstances {
  return {
    date: new Date().toISOString(),
    command: asTyped(process.argv.slice(2)),
    machine: {
      cores: availableParallelism(),
      cpu: cpus()[0]?.model ?? 'unknown',
      memoryMiB: Math.round(totalmem() / 2 ** 20),
      platform: `${process.platform} ${process.arch}`,
      node: process.version,
      loadAverage: Math.round((loadavg()[0] ?? 0) * 100) / 100,
    },
  };
}

const asTyped = (names: readonly string[]) =>
  ['npm run bench', ...(names.length ? ['--', ...names] : [])].join(' ');
