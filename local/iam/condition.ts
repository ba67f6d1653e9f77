import { compileArnPattern, compilePattern } from './pattern.ts';

/** A request's context, by condition key in lower case. */
export type ConditionContext = ReadonlyMap<string, string | readonly string[]>;

/** Whether a condition holds for a request. */
export type Condition = (context: ConditionContext) => boolean;

/** Whether a value of the request matches a value of the policy. */
type Comparison = (wanted: string) => (given: string) => boolean;

const equalsIgnoringCase: Comparison = (wanted) => compileLower(wanted.toLowerCase());
const compileLower = (wanted: string) => (given: string) => given.toLowerCase() === wanted;
const numeric =
  (compare: (given: number, wanted: number) => boolean): Comparison =>
  (wanted) =>
  (given) =>
    compare(Number(given), Number(wanted));
const date =
  (compare: (given: number, wanted: number) => boolean): Comparison =>
  (wanted) =>
  (given) =>
    compare(timeOf(given), timeOf(wanted));

/** Parses ISO 8601, or seconds since the epoch. */
const timeOf = (text: string) => (/^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text));

const COMPARISONS: Readonly<Record<string, Comparison>> = {
  StringEquals: (wanted) => (given) => given === wanted,
  StringEqualsIgnoreCase: equalsIgnoringCase,
  StringLike: (wanted) => compilePattern(wanted),
  ArnEquals: compileArnPattern,
  ArnLike: compileArnPattern,
  Bool: equalsIgnoringCase,
  NumericEquals: numeric((given, wanted) => given === wanted),
  NumericLessThan: numeric((given, wanted) => given < wanted),
  NumericLessThanEquals: numeric((given, wanted) => given <= wanted),
  NumericGreaterThan: numeric((given, wanted) => given > wanted),
  NumericGreaterThanEquals: numeric((given, wanted) => given >= wanted),
  DateEquals: date((given, wanted) => given === wanted),
  DateLessThan: date((given, wanted) => given < wanted),
  DateLessThanEquals: date((given, wanted) => given <= wanted),
  DateGreaterThan: date((given, wanted) => given > wanted),
  DateGreaterThanEquals: date((given, wanted) => given >= wanted),
};

/** Negates an operator. */
const NEGATED: Readonly<Record<string, string>> = {
  StringNotEquals: 'StringEquals',
  StringNotEqualsIgnoreCase: 'StringEqualsIgnoreCase',
  StringNotLike: 'StringLike',
  ArnNotEquals: 'ArnEquals',
  ArnNotLike: 'ArnLike',
  NumericNotEquals: 'NumericEquals',
  DateNotEquals: 'DateEquals',
};

const OPERATOR = /^(?:(ForAllValues|ForAnyValue):)?([A-Za-z]+?)(IfExists)?$/;

/**
 * Returns one operator on one key. Undefined for an unknown operator. Source: "IAM JSON policy elements: Condition
 * operators" and "Multivalued context keys", IAM user guide.
 */
export function compileCondition(
  operator: string,
  key: string,
  wanted: readonly string[],
): Condition | undefined {
  const [, set, base = '', ifExists] = OPERATOR.exec(operator) ?? [];
  const name = key.toLowerCase();
  if (base === 'Null') {
    return set || ifExists
      ? undefined
      : (context) => wanted.some((value) => (value === 'true') === !context.has(name));
  }
  const positive = NEGATED[base];
  const compare = COMPARISONS[positive ?? base];
  if (!compare) return undefined;
  const comparisons = wanted.map(compare);
  // A negated operator holds if no value of the policy matches.
  const fits = (given: string) => comparisons.some((matches) => matches(given)) === (positive === undefined);
  return (context) => {
    const given = context.get(name);
    const values = given === undefined ? [] : typeof given === 'string' ? [given] : given;
    if (set === 'ForAllValues') return values.every(fits);
    if (set === 'ForAnyValue') return values.some(fits);
    if (given === undefined) return ifExists !== undefined || positive !== undefined;
    return positive === undefined ? values.some(fits) : values.every(fits);
  };
}
