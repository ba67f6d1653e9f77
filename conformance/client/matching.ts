import { isDeepStrictEqual } from 'node:util';

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Whether the value has all that the pattern has. A field that the pattern gives as `undefined` must be missing. */
export function matches(value: unknown, pattern: unknown): boolean {
  if (!isObject(pattern)) return isDeepStrictEqual(value, pattern);
  return isObject(value) && Object.keys(pattern).every((key) => matches(value[key], pattern[key]));
}

/** The value with each text that is `$name` replaced, where the name is known. */
export function withIds<T>(value: T, ids: ReadonlyMap<string, string>): T;
export function withIds(value: unknown, ids: ReadonlyMap<string, string>): unknown {
  if (typeof value === 'string') return (value.startsWith('$') && ids.get(value.slice(1))) || value;
  if (Array.isArray(value)) return value.map((one) => withIds(one, ids));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, withIds(one, ids)]));
}
