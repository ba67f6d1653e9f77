import { expect, it } from 'vitest';
import {
  absent,
  any,
  atMost,
  type Condition,
  differs,
  equals,
  exists,
  sizeBelow,
  sizeIs,
} from '../../core/store/update.ts';
import { compile } from './expression.ts';

interface Item {
  seq: number;
  map: Record<string, number>;
  list: string[];
}

/** The condition as text, with names and values in their places. */
function textOf(when: Condition<Item>[]): string {
  const {
    ConditionExpression = '',
    ExpressionAttributeNames,
    ExpressionAttributeValues,
  } = compile({ when, change: [] });
  const named = (text: string, by: object | undefined, show: (value: never) => string) =>
    Object.entries(by ?? {}).reduce(
      (rest, [placeholder, value]) => rest.replaceAll(placeholder, show(value as never)),
      text,
    );
  return named(
    named(ConditionExpression, ExpressionAttributeNames, String),
    ExpressionAttributeValues,
    JSON.stringify,
  );
}

it.each<[Condition<Item>, string]>([
  [exists('seq'), 'attribute_exists(seq)'],
  [absent(['map', 'a.b']), 'attribute_not_exists(map.a.b)'],
  [equals('seq', 1), 'seq = {"N":"1"}'],
  // What is missing differs from every value. Implementations of DynamoDB do not agree on it, so both are asked.
  [differs('seq', 1), '(attribute_not_exists(seq) OR seq <> {"N":"1"})'],
  [atMost('seq', 1), 'seq <= {"N":"1"}'],
  [sizeIs('list', 2), 'size(list) = {"N":"2"}'],
  [sizeBelow('list', 2), 'size(list) < {"N":"2"}'],
  [any(absent('seq'), equals('seq', 1)), '(attribute_not_exists(seq) OR seq = {"N":"1"})'],
])('a condition %o is asked so: %s', (condition, text) => {
  expect(textOf([condition])).toBe(text);
});

it('all conditions of a write must hold', () => {
  expect(textOf([exists('map'), equals('seq', 1)])).toBe('attribute_exists(map) AND seq = {"N":"1"}');
});
