import * as z from 'zod/mini';

/** How an event is defined: its own fields, and those that every event has. See events.ts. */

export const count = z.int().check(z.nonnegative());

/** The fields that every event has. */
const commonFields = { seq: z.int().check(z.positive()), turn_id: z.string() };

/**
 * The fields that every event has which ends a turn. `full_response` equals the turn's chunks put together (P3). If that
 * does not fit into one frame, it is null and `full_response_omitted` is true.
 */
const endFields = {
  full_response: z.nullable(z.string()),
  full_response_omitted: z.optional(z.literal(true)),
};

type Fields = Readonly<Record<string, z.core.$ZodType>>;

/** An event within a turn, with the fields of its own. */
export function event<T extends string, F extends Fields>(type: T, fields: F) {
  const schema = z.object({ type: z.literal(type), ...commonFields, ...fields });
  return { fields, schema };
}

/** An event that ends its turn. */
export function end<T extends string, F extends Fields>(type: T, fields: F) {
  const schema = z.object({ type: z.literal(type), ...commonFields, ...endFields, ...fields });
  return { fields, schema };
}
