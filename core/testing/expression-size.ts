import type { Change, Condition, Path, Update } from '../store/update.ts';

/** What DynamoDB counts of one expression. */
export interface ExpressionSize {
  /** Of the text with its placeholders: their names and values are not counted. */
  bytes: number;
  /** Functions, comparisons, `AND`, `OR` and `+`. AWS does not say which of them count, so all do. */
  operators: number;
}

/**
 * Limits of an expression. Source: DynamoDB developer guide, "Constraints", "Expression parameters": 4 KB, and 300 operators or
 * functions, which the service counts in conditions too (scylladb/scylladb#14473).
 */
export const MAX_EXPRESSION_BYTES = 4096;
export const MAX_OPERATORS = 300;

/** The sizes of the two expressions that aws/dynamodb/expression.ts makes of an update. */
export function expressionSizes<T>({ when, change }: Update<T>): {
  condition: ExpressionSize;
  update: ExpressionSize;
} {
  const placeholders = new Placeholders();
  const condition = joined(
    when.map((one) => sizeOfCondition(one, placeholders)),
    ' AND ',
    1,
  );
  const sets: ExpressionSize[] = [];
  const removes: ExpressionSize[] = [];
  for (const one of change) (one.do === 'remove' ? removes : sets).push(sizeOfChange(one, placeholders));
  const clauses = [
    ...(sets.length ? [plus(joined(sets, ', ', 0), 'SET '.length)] : []),
    ...(removes.length ? [plus(joined(removes, ', ', 0), 'REMOVE '.length)] : []),
  ];
  return { condition, update: joined(clauses, ' ', 0) };
}

/** `#n0`, `#n1` for names, one for each; `:v0`, `:v1` for values, one for each use. */
class Placeholders {
  readonly #names = new Map<string, number>();
  #values = 0;

  path<T>(path: Path<T>): number {
    if (typeof path === 'string') return this.#name(path);
    return this.#name(path[0]) + '.'.length + this.#name(path[1]);
  }

  value(): number {
    return ':v'.length + String(this.#values++).length;
  }

  #name(part: string): number {
    const number = this.#names.get(part) ?? this.#names.size;
    this.#names.set(part, number);
    return '#n'.length + String(number).length;
  }
}

function sizeOfCondition<T>(condition: Condition<T>, of: Placeholders): ExpressionSize {
  switch (condition.is) {
    case 'exists':
      return { bytes: 'attribute_exists()'.length + of.path(condition.path), operators: 1 };
    case 'absent':
      return { bytes: 'attribute_not_exists()'.length + of.path(condition.path), operators: 1 };
    case 'equals':
      return { bytes: of.path(condition.path) + ' = '.length + of.value(), operators: 1 };
    case 'differs':
      return {
        bytes:
          '(attribute_not_exists() OR  <> )'.length +
          of.path(condition.path) +
          of.path(condition.path) +
          of.value(),
        operators: 3,
      };
    case 'sizeIs':
      return { bytes: 'size() = '.length + of.path(condition.path) + of.value(), operators: 2 };
    case 'sizeBelow':
      return { bytes: 'size() < '.length + of.path(condition.path) + of.value(), operators: 2 };
    case 'atMost':
      return { bytes: of.path(condition.path) + ' <= '.length + of.value(), operators: 1 };
    case 'any':
      return plus(
        joined(
          condition.of.map((one) => sizeOfCondition(one, of)),
          ' OR ',
          1,
        ),
        '()'.length,
      );
  }
}

function sizeOfChange<T>(change: Change<T>, of: Placeholders): ExpressionSize {
  const path = of.path(change.path);
  switch (change.do) {
    case 'set':
      return { bytes: path + ' = '.length + of.value(), operators: 0 };
    case 'setIfAbsent':
      return { bytes: 2 * path + ' = if_not_exists(, )'.length + of.value(), operators: 1 };
    case 'add':
      return { bytes: 2 * path + ' =  + '.length + of.value(), operators: 1 };
    case 'count':
      return {
        bytes: 2 * path + ' = if_not_exists(, ) + '.length + of.value() + of.value(),
        operators: 2,
      };
    case 'remove':
      return { bytes: path, operators: 0 };
  }
}

const plus = ({ bytes, operators }: ExpressionSize, more: number): ExpressionSize => ({
  bytes: bytes + more,
  operators,
});

function joined(parts: readonly ExpressionSize[], separator: string, operators: number): ExpressionSize {
  const gaps = Math.max(0, parts.length - 1);
  return {
    bytes: parts.reduce((sum, part) => sum + part.bytes, gaps * separator.length),
    operators: parts.reduce((sum, part) => sum + part.operators, gaps * operators),
  };
}
