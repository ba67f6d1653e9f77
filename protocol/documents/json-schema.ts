import * as z from 'zod/mini';
import { CLIENT_FRAMES } from '../client-frames.ts';
import { EVENT_FRAMES, REPLY_FRAMES } from '../server-frames.ts';
import {
  CLIENT_FRAME_DESCRIPTIONS,
  EVENT_DESCRIPTIONS,
  EVENT_FIELD_DESCRIPTIONS,
  type FrameDescription,
  REPLY_DESCRIPTIONS,
} from './descriptions.ts';

/** The part of JSON Schema that the protocol's schemas come to. */
export interface JsonSchema {
  description?: string;
  type?: string | readonly string[];
  const?: unknown;
  enum?: readonly unknown[];
  properties?: Record<string, JsonSchema>;
  required?: readonly string[];
  items?: JsonSchema;
  anyOf?: readonly JsonSchema[];
  oneOf?: readonly JsonSchema[];
  $ref?: string;
  $defs?: unknown;
  $schema?: string;
  title?: string;
  [keyword: string]: unknown;
}

export interface DocumentedFrame {
  /** Unique among all frames: `client-history`, `server-error-terminal`. */
  name: string;
  /** What the frame's `type` says. */
  type: string;
  kind: 'client' | 'event' | 'reply';
  summary: string;
  schema: JsonSchema;
}

type AnyObject = z.ZodMiniObject;

/** Every frame with its schema and its words, in the order of the protocol. */
export function documentedFrames(): DocumentedFrame[] {
  const typeOf = (schema: AnyObject) => String(literal(schema, 'type'));
  const key = (schema: AnyObject) =>
    typeOf(schema) === 'error' && literal(schema, 'terminal') === true ? 'error_terminal' : typeOf(schema);
  const server = (kind: 'event' | 'reply', schemas: readonly AnyObject[], words: Words): DocumentedFrame[] =>
    schemas.map((schema) => {
      const { summary, fields } = wordsFor(words, key(schema));
      const all = kind === 'event' ? { ...EVENT_FIELD_DESCRIPTIONS, ...fields } : fields;
      const name = `server-${key(schema).replaceAll('_', '-')}`;
      return { name, type: typeOf(schema), kind, summary, schema: describe(name, schema, summary, all) };
    });
  const client = Object.entries(CLIENT_FRAMES).map(([type, schema]): DocumentedFrame => {
    const { summary, fields } = wordsFor(CLIENT_FRAME_DESCRIPTIONS, type);
    const name = `client-${type.replaceAll('_', '-')}`;
    return { name, type, kind: 'client', summary, schema: describe(name, schema, summary, fields) };
  });
  demandUsed(EVENT_DESCRIPTIONS, EVENT_FRAMES.map(key));
  demandUsed(REPLY_DESCRIPTIONS, REPLY_FRAMES.map(key));
  return [
    ...client,
    ...server('event', EVENT_FRAMES, EVENT_DESCRIPTIONS),
    ...server('reply', REPLY_FRAMES, REPLY_DESCRIPTIONS),
  ];
}

type Words = Readonly<Record<string, FrameDescription>>;

function wordsFor(words: Words, key: string): FrameDescription {
  const found = words[key];
  if (!found) throw new Error(`protocol/documents/descriptions.ts says nothing of the frame "${key}"`);
  return found;
}

function demandUsed(words: Words, keys: readonly string[]): void {
  const unused = Object.keys(words).find((key) => !keys.includes(key));
  if (unused) throw new Error(`protocol/documents/descriptions.ts describes "${unused}", which is no frame`);
}

function literal(schema: AnyObject, field: string): unknown {
  const part = schema.shape[field];
  return part instanceof z.ZodMiniLiteral ? [...part.def.values][0] : undefined;
}

/** The schema's JSON Schema, in which every field has its description. Unknown fields are allowed, as on the wire. */
function describe(
  name: string,
  schema: AnyObject,
  summary: string,
  fields: Readonly<Record<string, string>>,
): JsonSchema {
  const made = z.toJSONSchema(schema, { io: 'input', target: 'draft-2020-12' }) as JsonSchema;
  const used = new Set<string>();
  const walk = (part: JsonSchema, path: string): JsonSchema => {
    // Any JSON value: what `z.json()` spells out by recursion.
    if (part.$ref) return {};
    const { properties, items, oneOf, anyOf, ...rest } = part;
    return {
      ...rest,
      ...(properties && {
        properties: Object.fromEntries(
          Object.entries(properties).map(([field, value]) => {
            const at = path ? `${path}.${field}` : field;
            const described = { ...walk(value, at), description: descriptionOf(at) };
            return [field, described];
          }),
        ),
      }),
      ...(items && { items: walk(items, `${path}[]`) }),
      ...(oneOf && { oneOf: oneOf.map((one) => walk(one, path)) }),
      ...(anyOf && { anyOf: anyOf.map((one) => walk(one, path)) }),
    };
  };
  const descriptionOf = (path: string): string => {
    if (path === 'type') return 'Which frame this is.';
    const text = fields[path];
    if (text === undefined) throw new Error(`protocol/documents/descriptions.ts: ${name} has no "${path}"`);
    used.add(path);
    return text;
  };
  const { $defs: _, $schema: __, ...described } = walk(made, '');
  const unknown = Object.keys(fields).find((path) => !used.has(path));
  if (unknown) throw new Error(`protocol/documents/descriptions.ts: ${name} has no field "${unknown}"`);
  return { title: name, description: summary, ...described };
}

const DIALECT = 'https://json-schema.org/draft/2020-12/schema';

/** The schema files by name: one for each frame, and one each for whatever a client, or the server, may send. */
export function schemaFiles(frames: readonly DocumentedFrame[]): Map<string, JsonSchema> {
  const files = new Map<string, JsonSchema>();
  for (const { name, schema } of frames) files.set(`${name}.json`, { $schema: DIALECT, ...schema });
  const union = (title: string, description: string, among: readonly DocumentedFrame[]): JsonSchema => ({
    $schema: DIALECT,
    title,
    description,
    oneOf: among.map(({ name }) => ({ $ref: `${name}.json` })),
  });
  const sent = (kind: 'client' | 'server') =>
    frames.filter((frame) => (frame.kind === 'client') === (kind === 'client'));
  files.set('client-frame.json', union('client-frame', 'Whatever a client may send.', sent('client')));
  files.set(
    'server-frame.json',
    union(
      'server-frame',
      'Whatever the server sends. Frames of other types are to be ignored.',
      sent('server'),
    ),
  );
  return files;
}
