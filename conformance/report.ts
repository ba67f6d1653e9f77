import { groupOf } from './rule.ts';
import type { Result } from './run.ts';

const WORDS = { passed: 'pass', failed: 'FAIL', skipped: 'skipped' } as const;

export const countOf = (results: readonly Result[], outcome: Result['outcome']): number =>
  results.filter((result) => result.outcome === outcome).length;

/** One line per rule: name, promise, points of docs/protocol.md, result, and what it demands, or why it did not pass. */
export function table(results: readonly Result[]): string {
  const rows = results.map(({ rule, outcome, reason }) => [
    rule.name,
    rule.promise,
    rule.points.join(' '),
    WORDS[outcome],
    reason ? `${reason} (${rule.says})` : rule.says,
  ]);
  const all = [['rule', 'promise', 'points', 'result', 'why'], ...rows];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const lines = all.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const rule = widths.map((width) => '-'.repeat(width)).join('  ');
  return [lines[0], `${rule}  ---`, ...lines.slice(1), '', summary(results)].join('\n');
}

function summary(results: readonly Result[]): string {
  const [passed, failed, skipped] = (['passed', 'failed', 'skipped'] as const).map((outcome) =>
    countOf(results, outcome),
  );
  return `${results.length} rules: ${passed} passed, ${failed} failed, ${skipped} skipped`;
}

/** The results as JSON, for `--json`. */
export function json(url: string, results: readonly Result[]): string {
  const rules = results.map(({ rule, outcome, reason, seconds }) => ({
    name: rule.name,
    group: groupOf(rule),
    promise: rule.promise,
    points: rule.points,
    says: rule.says,
    outcome,
    ...(reason !== undefined && { reason }),
    seconds: Number(seconds.toFixed(3)),
  }));
  const counts = {
    passed: countOf(results, 'passed'),
    failed: countOf(results, 'failed'),
    skipped: countOf(results, 'skipped'),
  };
  return JSON.stringify({ url, ...counts, rules }, null, 2);
}
