import type { Json } from '../../core/json.ts';

/**
 * Converts a tool's output to JSON: undefined becomes null, a date its ISO text, a bigint its digits, a map an object,
 * a set an array, and a number without a JSON form null.
 *
 * @throws {TypeError} for a value that contains itself
 */
export function toJson(value: unknown): Json {
  const text = JSON.stringify(value, (_key, item: unknown) => {
    if (typeof item === 'bigint') return item.toString();
    if (item instanceof Map) return Object.fromEntries(item);
    if (item instanceof Set) return [...item];
    return item;
  });
  // `stringify` returns undefined for undefined, functions and symbols, though its type does not say so.
  return text === undefined ? null : (JSON.parse(text) as Json);
}
