import { asSchema, type FlexibleSchema, InvalidToolInputError, jsonSchema, NoSuchToolError } from 'ai';
import { shortened } from '../../protocol/text.ts';

const MAX_REASON_LENGTH = 500;

/**
 * A tool's schema that validates the input and returns it unchanged. The transcript stores the model's input, and the
 * schema's defaults and transformations are applied once, when the tool runs.
 */
export function checkOnly(schema: FlexibleSchema<unknown>): FlexibleSchema<unknown> {
  const inner = asSchema(schema);
  return jsonSchema(() => inner.jsonSchema, {
    validate: async (value) => {
      const result = await checkInput(schema, value);
      return result.success ? { success: true, value } : result;
    },
  });
}

type Checked = { success: true; value: unknown } | { success: false; error: Error };

/**
 * Validates an input. A Standard Schema has failed if its result has issues. The SDK instead accepts each result that
 * has a value, and valibot's failures have one too.
 */
export async function checkInput(schema: FlexibleSchema<unknown>, value: unknown): Promise<Checked> {
  if ('~standard' in schema) {
    const result = await schema['~standard'].validate(value);
    if (!result.issues) return { success: true, value: result.value };
    return { success: false, error: new Error('The input does not fit.', { cause: result.issues }) };
  }
  return (await asSchema(schema).validate?.(value)) ?? { success: true, value };
}

/** Explains why a call cannot run, in a line that helps the model to correct it. */
export function describeInvalidCall(error: unknown, name: string): string {
  if (NoSuchToolError.isInstance(error)) return unknownTool(name, error.availableTools ?? []);
  const issues = findIssues(error);
  const reason = issues.length > 0 ? issues.join('; ') : 'they are not valid JSON for this tool';
  return shortened(`The arguments do not fit the tool "${name}": ${reason}.`, MAX_REASON_LENGTH);
}

export function unknownTool(name: string, available: readonly string[]): string {
  const text = `There is no tool named "${name}". Available: ${available.join(', ') || 'none'}.`;
  return shortened(text, MAX_REASON_LENGTH);
}

/** Finds the issues of a Standard Schema in the chain of causes of an error. */
function findIssues(error: unknown): string[] {
  for (let cause = error; typeof cause === 'object' && cause !== null; cause = (cause as Error).cause) {
    const issues = Array.isArray(cause) ? cause : 'issues' in cause ? cause.issues : undefined;
    if (Array.isArray(issues)) return issues.flatMap(describeIssue);
  }
  return InvalidToolInputError.isInstance(error) || !(error instanceof Error) ? [] : [error.message];
}

/** The path of the first field that does not fit, as `filter.city`. Empty: the value as a whole. */
export function firstPath(error: unknown): string {
  for (let cause = error; typeof cause === 'object' && cause !== null; cause = (cause as Error).cause) {
    const issues: unknown = Array.isArray(cause) ? cause : 'issues' in cause ? cause.issues : undefined;
    const [first]: unknown[] = Array.isArray(issues) ? issues : [];
    if (first !== undefined) return pathOf(first);
  }
  return '';
}

const pathOf = (issue: unknown): string =>
  typeof issue === 'object' && issue !== null && 'path' in issue && Array.isArray(issue.path)
    ? issue.path.map(keyOf).join('.')
    : '';

function describeIssue(issue: unknown): string[] {
  if (typeof issue !== 'object' || issue === null || !('message' in issue)) return [];
  const path = pathOf(issue);
  return [path ? `${path}: ${issue.message}` : String(issue.message)];
}

/** A step of a path is a key, or an object with a key. */
const keyOf = (step: unknown): string =>
  String(typeof step === 'object' && step !== null && 'key' in step ? step.key : step);
