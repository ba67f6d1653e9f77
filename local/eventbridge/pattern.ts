import { LocalCloudError } from '../errors.ts';
import { isMap } from '../template/resolve.ts';
import type { Value } from '../template/template.ts';

/**
 * Event patterns. Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html.
 * A field matches if one of the pattern's values does; a field that is a list matches if one of its elements does.
 */

type Test = (value: Value | undefined) => boolean;
type Pattern = { readonly [key: string]: Value };

/**
 * Compiles a pattern. @throws {LocalCloudError} for an operator that is not here: a rule must not be silently deaf
 * @returns whether an event matches
 */
export function compilePattern(rule: string, pattern: Value): Test {
  if (!isMap(pattern)) throw new LocalCloudError(`${rule}: its pattern is no object.`);
  return compileFields(rule, pattern);
}

function compileFields(rule: string, pattern: Pattern): Test {
  const tests = Object.entries(pattern).map(([field, wanted]): Test => {
    if (field === '$or') {
      const others = listOf(rule, wanted).map((other) => compilePattern(rule, other));
      return (event) => others.some((test) => test(event));
    }
    const test = isMap(wanted) ? compileFields(rule, wanted) : anyOf(rule, listOf(rule, wanted));
    return (event) => test(isMap(event) && Object.hasOwn(event, field) ? event[field] : undefined);
  });
  return (event) => tests.every((test) => test(event));
}

function listOf(rule: string, value: Value): readonly Value[] {
  if (Array.isArray(value)) return value;
  throw new LocalCloudError(`${rule}: ${JSON.stringify(value)} in its pattern is no list.`);
}

function anyOf(rule: string, wanted: readonly Value[]): Test {
  const tests = wanted.map((one) => compileValue(rule, one));
  return (value) => tests.some((test) => test(value));
}

/** Of one of the values in a field's list. */
function compileValue(rule: string, wanted: Value): Test {
  if (!isMap(wanted)) return ofElements((value) => value === wanted);
  const [[operator, operand] = ['', null], ...others] = Object.entries(wanted);
  if (others.length > 0) throw unknown(rule, wanted);
  if (operator === 'exists') return (value) => (value !== undefined) === (operand === true);
  if (operator === 'anything-but') {
    const test = isMap(operand) ? compileValue(rule, operand) : anyOf(rule, asList(operand));
    return (value) => value !== undefined && !test(value);
  }
  if (operator === 'numeric' && Array.isArray(operand)) return ofElements(numeric(rule, operand));
  if (typeof operand !== 'string') throw unknown(rule, wanted);
  const test = TEXT_TESTS.get(operator)?.(operand);
  if (!test) throw unknown(rule, wanted);
  return ofElements((value) => typeof value === 'string' && test(value));
}

const asList = (value: Value): readonly Value[] => (Array.isArray(value) ? value : [value]);

const ofElements =
  (test: (value: Value) => boolean): Test =>
  (value) =>
    value !== undefined && asList(value).some(test);

const TEXT_TESTS: ReadonlyMap<string, (operand: string) => (text: string) => boolean> = new Map([
  ['prefix', (operand) => (text) => text.startsWith(operand)],
  ['suffix', (operand) => (text) => text.endsWith(operand)],
  ['equals-ignore-case', (operand) => (text) => text.toLowerCase() === operand.toLowerCase()],
  ['wildcard', (operand) => (text) => wildcard(operand).test(text)],
]);

const wildcard = (operand: string) =>
  new RegExp(
    `^${operand
      .split('*')
      .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
      .join('.*')}$`,
    's',
  );

const COMPARISONS: ReadonlyMap<Value, (value: number, limit: number) => boolean> = new Map<
  Value,
  (value: number, limit: number) => boolean
>([
  ['=', (value, limit) => value === limit],
  ['<', (value, limit) => value < limit],
  ['<=', (value, limit) => value <= limit],
  ['>', (value, limit) => value > limit],
  ['>=', (value, limit) => value >= limit],
]);

/** `['>', 0, '<=', 5]` */
function numeric(rule: string, operand: readonly Value[]): (value: Value) => boolean {
  const tests: ((value: number) => boolean)[] = [];
  for (let i = 0; i < operand.length; i += 2) {
    const compare = COMPARISONS.get(operand[i] ?? null);
    const limit = operand[i + 1];
    if (!compare || typeof limit !== 'number') throw unknown(rule, { numeric: operand });
    tests.push((value) => compare(value, limit));
  }
  return (value) => typeof value === 'number' && tests.every((test) => test(value));
}

const unknown = (rule: string, operator: Value) =>
  new LocalCloudError(`${rule}: the local cloud does not know ${JSON.stringify(operator)} in a pattern.`);
