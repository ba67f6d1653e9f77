import type { Result } from './result.ts';
import { groupOf } from './rule.ts';

const WORDS = { passed: 'pass', failed: 'FAIL', skipped: 'skipped' } as const;

export const countOf = (results: readonly Result[], outcome: Result['outcome']): number =>
  results.filter((result) => result.outcome === outcome).length;

/**
 * One line per check: name, promise, points of docs/protocol.md, result, and what it demands, or why it did not pass.
 *
 * @param what the checks in the plural, for the last line
 */
export function table(results: readonly Result[], what: 'rules' | 'cases' = 'rules'): string {
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
  return [lines[0], `${rule}  ---`, ...lines.slice(1), '', summary(results, what)].join('\n');
}

function summary(results: readonly Result[], what: string): string {
  const [passed, failed, skipped] = (['passed', 'failed', 'skipped'] as const).map((outcome) =>
    countOf(results, outcome),
  );
  return `${results.length} ${what}: ${passed} passed, ${failed} failed, ${skipped} skipped`;
}

/** The results as JSON, for `--json`. @param of what was tested */
export function json(
  of: { url: string } | { command: readonly string[] },
  results: readonly Result[],
): string {
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
  return JSON.stringify({ ...of, ...counts, rules }, null, 2);
}
