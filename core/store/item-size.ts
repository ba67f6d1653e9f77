/** DynamoDB bills a write by the size of the item, in pieces of this many bytes. */
export const WRITE_UNIT_BYTES = 1024;

/**
 * What an item counts, in bytes: names and values, a number by its digits, and for a list or a map 3 bytes and one for each
 * element. Source: DynamoDB developer guide, "Item sizes and formats"; of numbers it says "approximately".
 */
export function itemBytes(item: object): number {
  let bytes = 0;
  for (const [name, value] of Object.entries(item)) {
    if (value !== undefined) bytes += Buffer.byteLength(name) + valueBytes(value);
  }
  return bytes;
}

const NESTED_BYTES = 3;
const ELEMENT_BYTES = 1;

export function valueBytes(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (typeof value === 'number') return Math.ceil(String(Math.abs(value)).length / 2) + (value < 0 ? 2 : 1);
  if (Array.isArray(value)) {
    return value.reduce<number>((sum, part) => sum + ELEMENT_BYTES + valueBytes(part), NESTED_BYTES);
  }
  if (typeof value !== 'object' || value === null) return 1;
  return NESTED_BYTES + ELEMENT_BYTES * Object.keys(value).length + itemBytes(value);
}
