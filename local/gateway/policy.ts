import { isJsonObject, type JsonObject } from './json-object.ts';

export type Decision = 'allow' | 'deny' | 'malformed';

/**
 * Evaluates an authorizer's policy document for `execute-api:Invoke` on one resource, as IAM does: an explicit Deny wins,
 * and what no statement allows is denied. A document that cannot be read, or that uses what is not evaluated here
 * (`Condition`, `NotAction`, `NotResource`), is malformed: guessing could let someone in.
 */
export function evaluatePolicy(document: unknown, resource: string): Decision {
  if (!isJsonObject(document)) return 'malformed';
  const statements = listOf(document.Statement);
  if (statements.length === 0) return 'malformed';
  let allowed = false;
  for (const statement of statements) {
    const effect = isJsonObject(statement) ? effectOf(statement, resource) : 'malformed';
    if (effect === 'malformed' || effect === 'deny') return effect;
    if (effect === 'allow') allowed = true;
  }
  return allowed ? 'allow' : 'deny';
}

function effectOf(statement: JsonObject, resource: string): Decision | 'silent' {
  const actions = listOf(statement.Action);
  const resources = listOf(statement.Resource);
  if (!actions.every(isString) || !resources.every(isString)) return 'malformed';
  if (actions.length === 0 || resources.length === 0 || statement.Condition !== undefined) return 'malformed';
  if (statement.Effect !== 'Allow' && statement.Effect !== 'Deny') return 'malformed';
  // IAM compares actions without regard to case, resources with it.
  const applies =
    actions.some((pattern) => matches(pattern.toLowerCase(), 'execute-api:invoke')) &&
    resources.some((pattern) => matches(pattern, resource));
  if (!applies) return 'silent';
  return statement.Effect === 'Allow' ? 'allow' : 'deny';
}

function matches(pattern: string, text: string): boolean {
  const source = pattern
    .split(/([*?])/)
    .map((part) => {
      if (part === '*') return '.*';
      return part === '?' ? '.' : part.replace(/[\\^$.+()[\]{}|]/g, '\\$&');
    })
    .join('');
  return new RegExp(`^${source}$`, 's').test(text);
}

function listOf(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

function isString(value: unknown): value is string {
  return typeof value === 'string';
}
