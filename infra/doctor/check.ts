/** What a check of a deployment found. */
export interface Finding {
  name: string;
  outcome: 'ok' | 'failed' | 'not checked';
  /** What was seen, in a few words. */
  says: string;
  /** The page and section that say what to do. */
  advice?: string;
}

/** A page of `docs/`, with its section. */
export type Advice = `docs/${'operations' | 'deploy'}.md#${string}`;

/** The deployment does not do what it should. */
export class Fault extends Error {
  override readonly name = 'Fault';
  readonly advice: Advice;

  constructor(says: string, advice: Advice) {
    super(says);
    this.advice = advice;
  }
}

/** It cannot be told, or there is nothing to tell. */
export class NotChecked extends Error {
  override readonly name = 'NotChecked';
}

/** @throws {Fault} unless it holds */
export function demand(holds: unknown, says: string, advice: Advice): asserts holds {
  if (!holds) throw new Fault(says, advice);
}

export interface Check {
  name: string;
  /** A check before it without which this one says nothing. */
  needs?: string;
  /** @returns what was seen @throws {Fault} @throws {NotChecked} */
  run(): Promise<string>;
}

/** Runs the checks one after the other, and reports each at once. */
export async function runChecks(
  checks: readonly Check[],
  report: (finding: Finding) => void,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const check of checks) {
    const finding = await findingOf(check, findings);
    findings.push(finding);
    report(finding);
  }
  return findings;
}

async function findingOf({ name, needs, run }: Check, before: readonly Finding[]): Promise<Finding> {
  const missing = before.find((finding) => finding.name === needs && finding.outcome !== 'ok');
  if (missing) return { name, outcome: 'not checked', says: `it needs ${missing.name}` };
  try {
    return { name, outcome: 'ok', says: await run() };
  } catch (error) {
    if (error instanceof Fault) return { name, outcome: 'failed', says: error.message, advice: error.advice };
    if (error instanceof NotChecked) return { name, outcome: 'not checked', says: error.message };
    throw error;
  }
}

export function lineOf({ name, outcome, says, advice }: Finding): string {
  const line = `${outcome.padEnd(12)} ${name.padEnd(15)} ${says}`;
  return advice ? `${line} See ${advice}.` : line;
}
