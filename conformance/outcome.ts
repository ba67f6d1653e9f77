/** What a rule demands was not so. The message says what was seen instead, in one line. */
export class Broken extends Error {
  override readonly name = 'Broken';
}

/** The rule's situation did not come about, so that nothing can be said: the answer was too short, no tool was called. */
export class Skipped extends Error {
  override readonly name: string = 'Skipped';
}

/** The answer was over before the rule could meet it where it must: tried again, it may come about. */
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

/** A frame as a reason quotes it. */
export function brief(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length <= 160 ? text : `${text.slice(0, 159)}…`;
}
