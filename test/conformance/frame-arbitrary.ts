import * as fc from 'fast-check';
import type { JsonSchema } from '../../protocol/documents/json-schema.ts';
import { ID_PATTERN } from '../../protocol/ids.ts';
import { anyText } from '../support/text.ts';

/** Values that match the schema, and some in which one field, at any depth, is missing or of another type. */
export function frameArbitrary(schema: JsonSchema): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: 2, arbitrary: fitting(schema) }, { weight: 1, arbitrary: spoiled(schema) });
}

const visible = fc.string({
  unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
});
/** Includes values at the limits of the schema. */
const ids = fc.oneof(visible, fc.constantFrom('', 'with space', '__proto__', 'x'.repeat(64), 'x'.repeat(65)));

function fitting(schema: JsonSchema): fc.Arbitrary<unknown> {
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  const variants = schema.oneOf ?? schema.anyOf;
  if (variants) return fc.oneof(...variants.map(fitting));
  const { type } = schema;
  if (Array.isArray(type)) return fc.oneof(...type.map((one) => fitting({ ...schema, type: one })));
  switch (type) {
    case 'object':
      return objects(schema);
    case 'array':
      return fc.array(schema.items ? fitting(schema.items) : fc.jsonValue(), { maxLength: 3 });
    case 'string':
      return schema.pattern === undefined ? anyText() : matching(String(schema.pattern));
    case 'integer':
      return fc.oneof(fc.nat(), fc.integer({ min: -2, max: 300 }));
    case 'number':
      return fc.double({ noNaN: true, noDefaultInfinity: true });
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    default:
      return fc.jsonValue();
  }
}

/** The pattern of ids has a lookahead, which the generator does not support. */
const matching = (pattern: string): fc.Arbitrary<string> =>
  pattern === ID_PATTERN.source ? ids : fc.oneof(fc.stringMatching(new RegExp(pattern)), ids);

function objects({ properties = {}, required = [] }: JsonSchema): fc.Arbitrary<unknown> {
  const fields = new Map(Object.entries(properties).map(([field, part]) => [field, fitting(part)]));
  // An unknown field is ignored.
  fields.set('unknown_field', fc.jsonValue());
  const model: Record<string, fc.Arbitrary<unknown>> = Object.fromEntries(fields);
  return fc.record(model, { requiredKeys: [...required] });
}

function spoiled(schema: JsonSchema): fc.Arbitrary<unknown> {
  const fields = Object.keys(schema.properties ?? {});
  return fc
    .tuple(fitting(schema), fc.constantFrom(...fields), fc.option(fc.jsonValue(), { nil: undefined }))
    .map(([value, field, instead]) => {
      const spoiledValue = { ...(value as Record<string, unknown>) };
      if (instead === undefined) delete spoiledValue[field];
      else spoiledValue[field] = instead;
      return spoiledValue;
    });
}
