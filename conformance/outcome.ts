/** A rule does not hold. The message says in one line what was observed instead. */
export class Broken extends Error {
  override readonly name = 'Broken';
}

/** The situation of a rule did not occur (the answer was too short, no tool was called), so the rule gives no result. */
export class Skipped extends Error {
  override readonly name: string = 'Skipped';
}

/** The answer was over before the rule could act on it. Another attempt can succeed. */
export class Missed extends Skipped {
  override readonly name = 'Missed';
}

export function demand(condition: unknown, otherwise: string): asserts condition {
  if (!condition) throw new Broken(otherwise);
}

export function need(condition: unknown, otherwise: string): asserts condition {
  if (!condition) throw new Skipped(otherwise);
}

export function meet(condition: unknown, otherwise: string): asserts condition {
  if (!condition) throw new Missed(otherwise);
}

/** A value as JSON, short enough for a reason. */
export function brief(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length <= 160 ? text : `${text.slice(0, 159)}…`;
}
