import type { Json } from '../../core/json.ts';
import { toJson } from './json-safe.ts';

/**
 * What a tool's `toModelOutput` gives, in a form that is stored: bytes become base64, which the AI SDK takes as well, and an address
 * its text.
 */
export function shownJson(shown: object): Json {
  return toJson(withoutBytes(shown));
}

function withoutBytes(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (value instanceof ArrayBuffer) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return value.map(withoutBytes);
  if (typeof value !== 'object' || value === null || 'toJSON' in value) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withoutBytes(item)]));
}
