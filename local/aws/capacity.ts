import type { ServerResponse } from 'node:http';
import type { JsonBody } from './json-body.ts';
import { fields } from './operations.ts';

/** Operations that can report their consumed capacity. */
const METERED =
  /^(GetItem|PutItem|UpdateItem|DeleteItem|Query|Scan|BatchGetItem|BatchWriteItem|TransactGetItems|TransactWriteItems)$/;

/** What DynamoDB reported beside its answer. */
export interface Metered {
  capacityUnits?: number;
  conditionFailed?: true;
}

/**
 * Asks DynamoDB for the consumed capacity of a request, if wanted, and hides it from the caller. Calls `done` after the
 * answer was sent; without units if the request failed or capacity is not wanted.
 * @returns the body to forward
 */
export function meter(
  wanted: boolean,
  operation: string,
  { bytes, value }: JsonBody,
  response: ServerResponse,
  done: (metered: Metered) => void,
): Buffer {
  let metered: Metered = {};
  response.once('close', () => done(metered));
  if (!wanted || !METERED.test(operation)) return bytes;
  const asked = value.ReturnConsumedCapacity !== undefined && value.ReturnConsumedCapacity !== 'NONE';
  const end = response.end.bind(response);
  // dynalite writes its answer in one call.
  response.end = ((body: unknown, ...rest: []) => {
    const text = typeof body === 'string' ? body : '';
    const { ConsumedCapacity, ...answer } = parse(text);
    if (String(answer.__type).endsWith('#ConditionalCheckFailedException'))
      metered = { conditionFailed: true };
    if (ConsumedCapacity === undefined) return end(body as string, ...rest);
    metered = { capacityUnits: unitsOf(ConsumedCapacity) };
    if (asked) return end(text, ...rest);
    const stripped = JSON.stringify(answer);
    response.setHeader('content-length', Buffer.byteLength(stripped));
    // The checksum is that of the original answer.
    response.removeHeader('x-amz-crc32');
    return end(stripped, ...rest);
  }) as typeof response.end;
  return asked ? bytes : Buffer.from(JSON.stringify({ ...value, ReturnConsumedCapacity: 'TOTAL' }));
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    return fields(JSON.parse(text));
  } catch {
    return {};
  }
}

/** One for an item operation, one per table for a batch. */
function unitsOf(consumed: unknown): number {
  const all = Array.isArray(consumed) ? consumed : [consumed];
  return all.reduce<number>((sum, one) => sum + Number(fields(one).CapacityUnits ?? 0), 0);
}
