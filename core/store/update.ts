/**
 * A conditional write on one item, as data. The core says what must be true and what changes. An adapter makes it one
 * atomic step: a DynamoDB `UpdateItem`, or the same on a map. So each rule is written once and holds on DynamoDB, in
 * memory and in the simulation (test/contract compares the adapters).
 *
 * @example
 * const admit: Update<Session> = {
 *   when: [exists('queue'), sizeBelow('queue', 8)],
 *   change: [setIfAbsent(['queue', slot], { lane, at })],
 * };
 */

/** An attribute, or one key of an attribute that is a map. The map must exist: DynamoDB creates no parents. */
export type Path<T> = {
  [Name in keyof T & string]: Name | readonly [Name, KeyIn<NonNullable<T[Name]>>];
}[keyof T & string];

/** The keys of an attribute that is a map: for a map by id, ids of that kind. */
type KeyIn<Map> = Map extends string | number | boolean | readonly unknown[] ? never : keyof Map & string;

/** What may be stored at a path. */
type ValueAt<T, P> = P extends keyof T
  ? NonNullable<T[P]>
  : P extends readonly [infer Name extends keyof T, infer Key]
    ? NonNullable<T[Name]>[Key & keyof NonNullable<T[Name]>]
    : never;

export type Condition<T> =
  | { readonly is: 'exists' | 'absent'; readonly path: Path<T> }
  /** False on an absent attribute. */
  | { readonly is: 'equals'; readonly path: Path<T>; readonly value: string | number }
  /** True on an absent attribute. */
  | { readonly is: 'differs'; readonly path: Path<T>; readonly value: string | number }
  /** Of a map or a list; false on an absent attribute. */
  | { readonly is: 'sizeIs' | 'sizeBelow'; readonly path: Path<T>; readonly value: number }
  /** False on an absent attribute. */
  | { readonly is: 'atMost'; readonly path: Path<T>; readonly value: number }
  | { readonly is: 'any'; readonly of: readonly Condition<T>[] };

export type Change<T> =
  | { readonly do: 'set'; readonly path: Path<T>; readonly value: unknown }
  | { readonly do: 'setIfAbsent'; readonly path: Path<T>; readonly value: unknown }
  | { readonly do: 'remove'; readonly path: Path<T> }
  /** The attribute must exist. */
  | { readonly do: 'add'; readonly path: Path<T>; readonly value: number }
  /** The same, from zero if the attribute does not exist. */
  | { readonly do: 'count'; readonly path: Path<T>; readonly value: number };

/** If all conditions hold, all changes are made, each computed from the item as it was. Paths must not overlap. */
export interface Update<T> {
  readonly when: readonly Condition<T>[];
  readonly change: readonly Change<T>[];
}

export const exists = <T>(path: Path<T>): Condition<T> => ({ is: 'exists', path });
export const absent = <T>(path: Path<T>): Condition<T> => ({ is: 'absent', path });
export const equals = <T>(path: Path<T>, value: string | number): Condition<T> => ({
  is: 'equals',
  path,
  value,
});
export const differs = <T>(path: Path<T>, value: string | number): Condition<T> => ({
  is: 'differs',
  path,
  value,
});
export const sizeIs = <T>(path: Path<T>, value: number): Condition<T> => ({ is: 'sizeIs', path, value });
export const sizeBelow = <T>(path: Path<T>, value: number): Condition<T> => ({
  is: 'sizeBelow',
  path,
  value,
});
export const atMost = <T>(path: Path<T>, value: number): Condition<T> => ({ is: 'atMost', path, value });
export const any = <T>(...of: Condition<T>[]): Condition<T> => ({ is: 'any', of });

export const set = <T, P extends Path<T> = Path<T>>(path: P, value: ValueAt<T, P>): Change<T> => ({
  do: 'set',
  path,
  value,
});
export const setIfAbsent = <T, P extends Path<T> = Path<T>>(path: P, value: ValueAt<T, P>): Change<T> => ({
  do: 'setIfAbsent',
  path,
  value,
});
export const remove = <T>(path: Path<T>): Change<T> => ({ do: 'remove', path });
export const add = <T>(path: Path<T>, value: number): Change<T> => ({ do: 'add', path, value });
export const count = <T>(path: Path<T>, value: number): Change<T> => ({ do: 'count', path, value });
