import type { AttributeValue } from '@aws-sdk/client-dynamodb';

/**
 * Items as DynamoDB's attribute values, and back. `@aws-sdk/util-dynamodb` does the same, but not for all items of ours,
 * whose maps have keys that clients choose: it refuses an object with a key `constructor`, and loses a key `__proto__`
 * when it reads (`convertToAttr.js`, `convertToNative.js` of version 3).
 */

/**
 * The attribute value of a JSON value. Fields that are undefined are left out.
 *
 * @throws TypeError for what DynamoDB cannot hold: a number that is not finite, and anything that is no JSON value
 */
export function toAttribute(value: unknown): AttributeValue {
  switch (typeof value) {
    case 'string':
      return { S: value };
    case 'boolean':
      return { BOOL: value };
    case 'number':
      if (Number.isFinite(value)) return { N: String(value) };
      break;
    case 'object':
      if (value === null) return { NULL: true };
      return Array.isArray(value) ? { L: value.map(toAttribute) } : { M: toAttributes(value) };
  }
  throw new TypeError(`DynamoDB has no attribute value for ${String(value)} (${typeof value})`);
}

/** The attributes of an item, or the entries of a map. */
export function toAttributes<T>(item: T): Record<string, AttributeValue> {
  const defined = Object.entries(item ?? {}).filter(([, value]) => value !== undefined);
  return Object.fromEntries(defined.map(([name, value]) => [name, toAttribute(value)]));
}

/** The JSON value of an attribute value. */
export function fromAttribute(attribute: AttributeValue): unknown {
  if (attribute.S !== undefined) return attribute.S;
  if (attribute.N !== undefined) return Number(attribute.N);
  if (attribute.M !== undefined) return fromAttributes(attribute.M);
  if (attribute.L !== undefined) return attribute.L.map(fromAttribute);
  if (attribute.BOOL !== undefined) return attribute.BOOL;
  if (attribute.NULL !== undefined) return null;
  throw new TypeError(`an attribute of a kind that no item has: ${Object.keys(attribute).join(', ')}`);
}

/** An item of its attributes. */
export const fromAttributes = (attributes: Record<string, AttributeValue>): Record<string, unknown> =>
  // `fromEntries` defines every key as the object's own, `__proto__` too. An assignment would set the prototype.
  Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, fromAttribute(value)]));
