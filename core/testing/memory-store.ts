import type { Store, Written } from '../ports.ts';
import { itemBytes } from '../store/item-size.ts';
import type { Key } from '../store/keys.ts';
import { toStored } from '../store/stored-names.ts';
import type { Change, Condition, Path, Update } from '../store/update.ts';
import {
  type ExpressionSize,
  expressionSizes,
  MAX_EXPRESSION_BYTES,
  MAX_OPERATORS,
} from './expression-size.ts';

type Item = Record<string, unknown>;

/** One call of a store, for a caller that counts, delays or judges calls. */
export type StoreCall =
  | { readonly operation: 'get' | 'delete' | 'keys' | 'query'; readonly key: Key<unknown> }
  | { readonly operation: 'put' | 'putIfAbsent'; readonly key: Key<unknown>; readonly item: unknown }
  | {
      readonly operation: 'update';
      readonly key: Key<unknown>;
      readonly update: {
        readonly when: unknown;
        readonly change: readonly { readonly do: string; readonly path: unknown }[];
      };
    };

/** Performs `run`, which does what the call does to the table, now or later. */
export type Perform = <R>(call: StoreCall, run: () => R) => Promise<R>;

export const isWrite = ({ operation }: StoreCall): boolean => !['get', 'keys', 'query'].includes(operation);

const atOnce: Perform = async (_call, run) => run();

/** The store on a table in memory. `keys` and `query` name the first key of their range. */
export const memoryStore = (table: MemoryTable = new MemoryTable(), perform: Perform = atOnce): Store => ({
  get: (key) => perform({ operation: 'get', key }, () => table.get(key)),
  put: (key, item) => perform({ operation: 'put', key, item }, () => table.put(key, item)),
  putIfAbsent: (key, item) =>
    perform({ operation: 'putIfAbsent', key, item }, () => table.putIfAbsent(key, item)),
  update: (key, update) => perform({ operation: 'update', key, update }, () => table.update(key, update)),
  delete: (key) => perform({ operation: 'delete', key }, () => table.delete(key)),
  keys: (from, to, limit) => perform({ operation: 'keys', key: from }, () => table.keys(from, to, limit)),
  query: (from, to, options) =>
    perform({ operation: 'query', key: from }, () => table.query(from, to, options)),
});

/**
 * A table in memory, by the same rules as DynamoDB: atomic on one item, a nested path needs its map. For tests and the
 * simulation. Items are never changed in place, so that what was read stays as it was without being copied.
 */
export class MemoryTable {
  /** By partition key, then by sort key. */
  readonly #partitions = new Map<string, Map<string, Item>>();

  get<T>({ pk, sk }: Key<T>): T | undefined {
    return this.#partitions.get(pk)?.get(sk) as T | undefined;
  }

  put<T>(key: Key<T>, item: T): void {
    this.#write(key, copy(item) as Item);
  }

  putIfAbsent<T>(key: Key<T>, item: T): boolean {
    if (this.#partitions.get(key.pk)?.has(key.sk)) return false;
    this.#write(key, copy(item) as Item);
    return true;
  }

  update<T>(key: Key<T>, update: Update<T>): Written<T> {
    checkExpressions(update);
    const before = this.#partitions.get(key.pk)?.get(key.sk) ?? {};
    if (!update.when.every((condition) => holds(before, condition))) return { ok: false };
    const after = { ...before };
    for (const change of update.change) apply(after, before, change);
    this.#write(key, after);
    return { ok: true, item: after as T };
  }

  delete<T>({ pk, sk }: Key<T>): void {
    this.#partitions.get(pk)?.delete(sk);
  }

  keys<T>(from: Key<T>, to: Key<T>, limit: number): Key<T>[] {
    const found = [...(this.#partitions.get(from.pk)?.keys() ?? [])];
    return found
      .filter((sk) => sk >= from.sk && sk <= to.sk)
      .sort()
      .slice(0, limit)
      .map((sk) => ({ pk: from.pk, sk }));
  }

  query<T>(
    from: Key<T>,
    to: Key<T>,
    { backwards = false, limit = Number.POSITIVE_INFINITY }: { backwards?: boolean; limit?: number } = {},
  ): T[] {
    const found = [...(this.#partitions.get(from.pk) ?? [])]
      .filter(([sk]) => sk >= from.sk && sk <= to.sk)
      .sort(([a], [b]) => (a < b ? -1 : 1));
    if (backwards) found.reverse();
    return found.slice(0, limit).map(([, item]) => item as T);
  }

  /** Everything, for whoever judges a run. */
  *all(): Generator<{ pk: string; sk: string; item: Item }> {
    for (const [pk, items] of this.#partitions) {
      for (const [sk, item] of items) yield { pk, sk, item };
    }
  }

  #write({ pk, sk }: Key<unknown>, item: Item): void {
    const bytes = itemBytes({ pk, sk, ...toStored(item) });
    if (bytes > MAX_ITEM_BYTES) throw new ValidationException(`an item of ${bytes} bytes`);
    const partition = this.#partitions.get(pk) ?? new Map<string, Item>();
    this.#partitions.set(pk, partition.set(sk, item));
  }
}

/**
 * What DynamoDB refuses to hold. Source: developer guide, "Quotas" (items, nesting) and "Supported data types and naming
 * rules" (numbers, names of map entries).
 */
const MAX_ITEM_BYTES = 400 * 1024;
const MAX_LEVELS = 32;
const LARGEST_NUMBER = 9.99999999999999e125;
const SMALLEST_NUMBER = 1e-130;

/** Like DynamoDB's answer to a write that it cannot hold. The write changes nothing. */
class ValidationException extends Error {
  override readonly name = 'ValidationException';
}

function checkExpressions<T>(update: Update<T>): void {
  const sizes = expressionSizes(update);
  checkExpression('ConditionExpression', sizes.condition);
  checkExpression('UpdateExpression', sizes.update);
}

function checkExpression(name: string, { bytes, operators }: ExpressionSize): void {
  if (bytes > MAX_EXPRESSION_BYTES)
    throw new ValidationException(
      `Invalid ${name}: Expression size has exceeded the maximum allowed size; expression size: ${bytes}`,
    );
  if (operators > MAX_OPERATORS)
    throw new ValidationException(
      `Invalid ${name}: The expression contains too many operators; operator count: ${operators}`,
    );
}

/** A deep copy of a value that DynamoDB can hold. Several times faster than `structuredClone`. */
function copy<V>(value: V, level = 0): V {
  if (typeof value === 'number') checkNumber(value);
  if (typeof value !== 'object' || value === null) return value;
  if (level >= MAX_LEVELS) throw new ValidationException(`nested more than ${MAX_LEVELS} levels deep`);
  if (Array.isArray(value)) return value.map((part) => copy(part, level + 1)) as V;
  const copied: Item = {};
  for (const [name, part] of Object.entries(value)) {
    if (part === undefined) continue;
    if (name === '') throw new ValidationException('a name of a map entry is empty');
    if (name === '__proto__') define(copied, name, copy(part, level + 1));
    else copied[name] = copy(part, level + 1);
  }
  return copied as V;
}

/** An assignment would set the object's prototype. */
const define = (item: Item, name: string, value: unknown): void => {
  Object.defineProperty(item, name, { value, configurable: true, enumerable: true, writable: true });
};

function checkNumber(value: number): void {
  const size = Math.abs(value);
  if (value !== 0 && !(size >= SMALLEST_NUMBER && size <= LARGEST_NUMBER)) {
    throw new ValidationException(`the number ${value} is out of range`);
  }
}

function read<T>(item: Item, path: Path<T>): unknown {
  if (typeof path === 'string') return item[path];
  const map = item[path[0]] as Item | undefined;
  return map && Object.hasOwn(map, path[1]) ? map[path[1]] : undefined;
}

function sizeOf(value: unknown): number {
  if (Array.isArray(value)) return value.length;
  return typeof value === 'object' && value !== null ? Object.keys(value).length : Number.NaN;
}

function holds<T>(item: Item, condition: Condition<T>): boolean {
  if (condition.is === 'any') return condition.of.some((one) => holds(item, one));
  const value = read(item, condition.path);
  switch (condition.is) {
    case 'exists':
      return value !== undefined;
    case 'absent':
      return value === undefined;
    case 'equals':
      return value === condition.value;
    case 'differs':
      return value !== condition.value;
    case 'sizeIs':
      return sizeOf(value) === condition.value;
    case 'sizeBelow':
      return sizeOf(value) < condition.value;
    case 'atMost':
      return typeof value === 'number' && value <= condition.value;
  }
}

function apply<T>(after: Item, before: Item, change: Change<T>): void {
  const { path } = change;
  const old = read(before, path);
  const value = changed(old, change);
  if (typeof path === 'string') {
    if (value === undefined) delete after[path];
    else after[path] = value;
    return;
  }
  const [attribute, name] = path;
  const map = after[attribute];
  if (typeof map !== 'object' || map === null) throw new Error(`no map at ${attribute}`);
  const { [name]: _, ...others } = map as Item;
  after[attribute] = value === undefined ? others : { ...others, [name]: value };
}

/** Undefined: the attribute is removed. */
function changed<T>(old: unknown, change: Change<T>): unknown {
  switch (change.do) {
    case 'set':
      return copy(change.value);
    case 'setIfAbsent':
      return old ?? copy(change.value);
    case 'add':
      if (typeof old !== 'number') throw new Error(`no number at ${String(change.path)}`);
      return old + change.value;
    case 'count':
      if (old !== undefined && typeof old !== 'number')
        throw new Error(`no number at ${String(change.path)}`);
      return (old ?? 0) + change.value;
    case 'remove':
      return undefined;
  }
}
