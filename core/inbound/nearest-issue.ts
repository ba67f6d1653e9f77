import type { z } from 'zod/mini';

type Issue = z.core.$ZodIssue;

/**
 * The issue to report for a value that fits none of several forms: among the forms with the value's `type`, the deepest
 * issue, preferably about a field that exists. `path` starts at the frame.
 */
export function nearestIssue(issue: Issue, frame: unknown): Issue {
  if (issue.code !== 'invalid_union') return issue;
  const meant = issue.errors.filter((form) => !form.some(isOfAnotherType));
  const candidates = (meant.length > 0 ? meant : issue.errors)
    .flatMap((form) => form[0] ?? [])
    .map((inner) => nearestIssue({ ...inner, path: [...issue.path, ...inner.path] }, frame));
  const closeness = ({ path }: Issue) => 2 * path.length + (isThere(frame, path) ? 1 : 0);
  return candidates.reduce(
    (best, other) => (closeness(other) > closeness(best) ? other : best),
    candidates[0] ?? issue,
  );
}

const isOfAnotherType = ({ code, path }: Issue) => code === 'invalid_value' && path.join() === 'type';

function isThere(frame: unknown, path: readonly PropertyKey[]): boolean {
  let value = frame;
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return false;
    value = Reflect.get(value, key);
  }
  return value !== undefined;
}
