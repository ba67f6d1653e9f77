import * as z from 'zod/mini';

/** How an event is defined: its own fields, and those that every event has. See events.ts. */

export const count = z.int().check(z.nonnegative());

/** The fields that every event has. */
const commonFields = { seq: z.int().check(z.positive()), turn_id: z.string() };
export const COMMON_SENTENCES = {
  seq: 'The number of the event in its session: from 1, one more than that of the event before.',
  turn_id: 'The turn that the event belongs to.',
} as const;

/**
 * The fields that every event has which ends a turn. `full_response` equals the turn's chunks put together (P3). If that
 * does not fit into one frame, it is null and `full_response_omitted` is true.
 */
const endFields = {
  full_response: z.nullable(z.string()),
  full_response_omitted: z.optional(z.literal(true)),
};
const END_SENTENCES = {
  full_response: 'All chunks of the turn put together; null when the text does not fit into a frame.',
  full_response_omitted:
    'Present and true when `full_response` is null. The chunks, or `history`, have the text.',
} as const;

type Fields = Readonly<Record<string, z.core.$ZodType>>;
/** A sentence for each field, and for each nested one by its path: `messages[].id`. The generator checks the paths. */
type Sentences<F> = Readonly<Record<keyof F, string>> &
  Readonly<Record<`${string}.${string}` | `${string}[]${string}`, string>>;

interface Definition<F extends Fields> {
  /** When it is sent, and what it means. */
  summary: string;
  /** The fields of this event alone. */
  fields: F;
  sentences: Sentences<F>;
}

/** An event within a turn. */
export function event<T extends string, F extends Fields>(
  type: T,
  { summary, fields, sentences }: Definition<F>,
) {
  const schema = z.object({ type: z.literal(type), ...commonFields, ...fields });
  return { summary, fields, sentences: { ...COMMON_SENTENCES, ...sentences }, schema };
}

/** An event that ends its turn. */
export function end<T extends string, F extends Fields>(
  type: T,
  { summary, fields, sentences }: Definition<F>,
) {
  const schema = z.object({ type: z.literal(type), ...commonFields, ...endFields, ...fields });
  return { summary, fields, sentences: { ...COMMON_SENTENCES, ...END_SENTENCES, ...sentences }, schema };
}
