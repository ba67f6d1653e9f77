import { evaluate } from '../iam/evaluate.ts';
import { MalformedPolicy, readPolicy, type Statement } from '../iam/statement.ts';

export type PolicyDecision = 'allow' | 'deny' | 'malformed';

/**
 * Evaluates an authorizer's policy for `execute-api:Invoke` on one resource, as IAM does. A document that is invalid,
 * or uses elements that are not evaluated here (`Condition`, `NotAction`, `NotResource`), is rejected as malformed,
 * since a guess could grant access.
 */
export function evaluatePolicy(document: unknown, resource: string): PolicyDecision {
  const statements = read(document);
  if (!statements?.every(isPlain)) return 'malformed';
  const question = { action: 'execute-api:Invoke', resource, context: new Map() };
  return evaluate(statements, question).allowed ? 'allow' : 'deny';
}

function read(document: unknown): Statement[] | undefined {
  try {
    return readPolicy(document);
  } catch (error) {
    if (error instanceof MalformedPolicy) return undefined;
    throw error;
  }
}

function isPlain({ actions, resources, conditions, unknown, principals }: Statement): boolean {
  return !actions.not && !resources.not && conditions.length === 0 && !unknown && !principals;
}
