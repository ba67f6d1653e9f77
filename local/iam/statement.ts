import { type Condition, compileCondition } from './condition.ts';
import { compilePattern, type Pattern } from './pattern.ts';

/** One statement of a policy, prepared for evaluation. */
export interface Statement {
  sid?: string;
  effect: 'Allow' | 'Deny';
  actions: Matcher;
  resources: Matcher;
  conditions: readonly Condition[];
  /**
   * The elements that are not supported. The statement then allows nothing, and denies everything that it could deny.
   */
  unknown?: string;
  /** The principal of a resource policy's statement. Absent in a role's policy. */
  principals?: readonly Principal[];
}

/** `Action` or `NotAction`, `Resource` or `NotResource`. */
export interface Matcher {
  /** As written. */
  patterns: readonly string[];
  compiled: readonly Pattern[];
  /** `NotAction`, `NotResource`: matches if none of the patterns matches. */
  not: boolean;
}

type Principal = { kind: 'anybody' } | { kind: 'AWS' | 'Service'; id: string };

/** The policy document is invalid. */
export class MalformedPolicy extends Error {
  override readonly name = 'MalformedPolicy';
}

/** @throws {MalformedPolicy} for a policy that IAM would reject */
export function readPolicy(document: unknown): Statement[] {
  if (!isObject(document)) throw new MalformedPolicy('A policy document is an object.');
  const statements = listOf(document.Statement);
  if (statements.length === 0) throw new MalformedPolicy('A policy document has at least one statement.');
  return statements.map(readStatement);
}

function readStatement(statement: unknown): Statement {
  if (!isObject(statement)) throw new MalformedPolicy('A statement is an object.');
  const { Sid: sid, Effect: effect } = statement;
  if (effect !== 'Allow' && effect !== 'Deny') {
    throw new MalformedPolicy(`Effect is ${JSON.stringify(effect)}: it must be Allow or Deny.`);
  }
  const unknown: string[] = [];
  const principals = readPrincipals(statement, unknown);
  const read: Statement = {
    effect,
    // IAM compares actions case-insensitively, and resources case-sensitively.
    actions: readMatcher(statement, 'Action', true),
    resources: readMatcher(statement, 'Resource', false),
    conditions: readConditions(statement.Condition, unknown),
  };
  const variable = read.resources.patterns.find((pattern) => pattern.includes('${'));
  if (variable) unknown.push(`the policy variable in ${variable}`);
  return {
    ...read,
    ...(typeof sid === 'string' && { sid }),
    ...(principals && { principals }),
    ...(unknown.length > 0 && { unknown: unknown.join(', ') }),
  };
}

function readMatcher(
  statement: Record<string, unknown>,
  element: 'Action' | 'Resource',
  ignoreCase: boolean,
): Matcher {
  const not = statement[element] === undefined;
  const patterns = listOf(statement[not ? `Not${element}` : element]);
  if (patterns.length === 0 || !patterns.every(isString) || (!not && `Not${element}` in statement)) {
    throw new MalformedPolicy(`A statement has ${element} or Not${element}, each one or more strings.`);
  }
  return { patterns, not, compiled: patterns.map((pattern) => compilePattern(pattern, { ignoreCase })) };
}

function readConditions(block: unknown, unknown: string[]): Condition[] {
  if (block === undefined) return [];
  if (!isObject(block)) throw new MalformedPolicy('Condition is an object.');
  const conditions: Condition[] = [];
  for (const [operator, keys] of Object.entries(block)) {
    if (!isObject(keys)) throw new MalformedPolicy(`Condition ${operator} is an object.`);
    for (const [key, values] of Object.entries(keys)) {
      const condition = compileCondition(operator, key, listOf(values).map(String));
      if (condition) conditions.push(condition);
      else unknown.push(`the condition operator ${operator}`);
    }
  }
  return conditions;
}

function readPrincipals(statement: Record<string, unknown>, unknown: string[]): Principal[] | undefined {
  if (statement.NotPrincipal !== undefined) unknown.push('NotPrincipal');
  const { Principal: principal } = statement;
  if (principal === undefined) return undefined;
  if (principal === '*') return [{ kind: 'anybody' }];
  if (!isObject(principal)) throw new MalformedPolicy('Principal is * or an object.');
  return Object.entries(principal).flatMap(([kind, ids]) =>
    listOf(ids).flatMap((id): Principal[] => {
      if (kind === 'AWS' && id === '*') return [{ kind: 'anybody' }];
      if (kind === 'AWS' || kind === 'Service') return [{ kind, id: String(id) }];
      unknown.push(`a principal of kind ${kind}`);
      return [];
    }),
  );
}

function listOf(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

function isString(value: unknown): value is string {
  return typeof value === 'string';
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
