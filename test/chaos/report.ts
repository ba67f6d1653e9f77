import { availableParallelism, cpus } from 'node:os';
import type { ChaosOutcome } from './run.ts';
import type { Tally } from './tally.ts';

/** When, how and where it ran. */
export function describeRun(): string {
  const command = ['npm run chaos', ...(process.argv.length > 2 ? ['--', ...process.argv.slice(2)] : [])];
  const machine = `${availableParallelism()} cores (${cpus()[0]?.model ?? 'unknown'})`;
  return `${command.join(' ')}, ${new Date().toISOString()}\n${machine}, ${process.platform}, Node ${process.version}`;
}

export function formatOutcome({ seed, seconds, injected, done, checked, violations }: ChaosOutcome): string {
  return [
    `seed ${seed}, ${seconds.toFixed(0)} s`,
    section('injected', injected),
    section('done by people and their clients', done),
    section('checked', checked),
    ...violations.map((line) => `BROKEN ${line}`),
    violations.length ? `${violations.length} promises are broken` : 'no promise is broken',
  ].join('\n');
}

function section(title: string, tally: Tally): string {
  const rows = tally.rows();
  const width = Math.max(0, ...rows.map(([name]) => name.length));
  return [title, ...rows.map(([name, n]) => `  ${name.padEnd(width)} ${String(n).padStart(7)}`)].join('\n');
}
