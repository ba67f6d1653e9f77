import type { ConditionContext } from './condition.ts';
import type { Matcher, Statement } from './statement.ts';

/** A request to evaluate. */
export interface Question {
  /** `dynamodb:GetItem` */
  action: string;
  /** An ARN, or `*` for an action without resources. */
  resource: string;
  context: ConditionContext;
}

export type Verdict<S extends Statement = Statement> =
  | { allowed: true; by: S }
  /** `by`: the statement that denies. Absent if no statement allows. */
  | { allowed: false; by?: S; why: string };

/**
 * Evaluates statements as IAM does: an explicit Deny wins, and without an Allow the request is denied. Source: "Policy
 * evaluation logic", IAM user guide.
 */
export function evaluate<S extends Statement>(statements: readonly S[], question: Question): Verdict<S> {
  let allowing: S | undefined;
  let unclear: string | undefined;
  for (const statement of statements) {
    if (!concerns(statement, question)) continue;
    const { effect, unknown, conditions } = statement;
    if (effect === 'Deny') {
      // A statement that is not understood might deny.
      if (unknown) return { allowed: false, by: statement, why: `a Deny uses ${unknown}, unknown here` };
      if (conditions.every((holds) => holds(question.context))) {
        return { allowed: false, by: statement, why: 'a statement denies it' };
      }
    } else if (unknown) unclear = `the statement that might allow it uses ${unknown}, unknown here`;
    else if (!conditions.every((holds) => holds(question.context)))
      unclear ??= 'the condition of the statement that might allow it does not hold';
    else allowing ??= statement;
  }
  if (allowing) return { allowed: true, by: allowing };
  return { allowed: false, why: unclear ?? 'no statement allows it' };
}

function concerns({ actions, resources }: Statement, { action, resource }: Question): boolean {
  return matches(actions, action) && matches(resources, resource);
}

export function matches({ compiled, not }: Matcher, text: string): boolean {
  return compiled.some((pattern) => pattern(text)) !== not;
}
