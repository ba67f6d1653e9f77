import * as z from 'zod/mini';
import { CLIENT_FRAMES } from '../client-frames.ts';
import { EVENTS, type EventType } from '../events.ts';
import { REPLY_FRAMES } from '../server-frames.ts';
import { CLIENT_FRAME_DESCRIPTIONS, type FrameDescription, REPLY_DESCRIPTIONS } from './descriptions.ts';
import { eventDescription } from './event-descriptions.ts';

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
  /** The frame's `type`. */
  type: string;
  kind: 'client' | 'event' | 'reply';
  summary: string;
  schema: JsonSchema;
}

type AnyObject = z.ZodMiniObject;

const EVENT_TYPES = Object.keys(EVENTS) as EventType[];

/** Every frame with its schema and its sentences, in the order of the protocol. */
export function documentedFrames(): DocumentedFrame[] {
  const client = Object.values(CLIENT_FRAMES).map((schema) => {
    const type = typeOf(schema);
    return documented('client', type, schema, CLIENT_FRAME_DESCRIPTIONS[type]);
  });
  const events = EVENT_TYPES.map((type) =>
    documented('event', type, EVENTS[type].schema, eventDescription(type)),
  );
  const replies = REPLY_FRAMES.map((schema) => {
    const type = typeOf(schema);
    return documented('reply', type, schema, REPLY_DESCRIPTIONS[type]);
  });
  return [...client, ...events, ...replies];
}

/** The `type` of the schema's frames. */
function typeOf<T extends string>({ shape }: { shape: { type: z.ZodMiniLiteral<T> } }): T {
  const [type] = shape.type.def.values;
  if (type === undefined) throw new Error('A frame has no type.');
  return type;
}

function documented(
  kind: DocumentedFrame['kind'],
  type: string,
  schema: AnyObject,
  { summary, fields }: FrameDescription,
): DocumentedFrame {
  const name = nameOf(kind, type);
  return { name, type, kind, summary, schema: describe(name, schema, summary, fields) };
}

/** `error` is the type of an event and of a reply: the event's name says which it is. */
function nameOf(kind: DocumentedFrame['kind'], type: string): string {
  const side = kind === 'client' ? 'client' : 'server';
  const isEventAndReply = kind === 'event' && Object.hasOwn(REPLY_DESCRIPTIONS, type);
  return `${side}-${type.replaceAll('_', '-')}${isEventAndReply ? '-terminal' : ''}`;
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
    // Any JSON value: the schema of `z.json()` is recursive.
    if (part.$ref) return {};
    const { properties, items, oneOf, anyOf, ...rest } = part;
    const event = path ? eventTypeOf(part) : undefined;
    if (event) {
      const { summary, fields } = eventDescription(event);
      return describe(nameOf('event', event), EVENTS[event].schema, summary, fields);
    }
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
    if (path === 'type') return 'The type of the frame.';
    const text = fields[path];
    if (text === undefined) throw new Error(`${name} has no "${path}"`);
    used.add(path);
    return text;
  };
  const { $defs: _, $schema: __, ...described } = walk(made, '');
  const unknown = Object.keys(fields).find((path) => !used.has(path));
  if (unknown) throw new Error(`${name} has no field "${unknown}"`);
  return { title: name, description: summary, ...described };
}

/** The type of the event that a part of another frame is. */
function eventTypeOf({ properties }: JsonSchema): EventType | undefined {
  // The part of a message that is a file has the type of an event, and is none.
  return properties?.seq && EVENT_TYPES.find((type) => type === properties.type?.const);
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
  files.set('client-frame.json', union('client-frame', 'Any frame that a client can send.', sent('client')));
  files.set(
    'server-frame.json',
    union(
      'server-frame',
      'Any frame that the server sends. A client ignores frames of other types.',
      sent('server'),
    ),
  );
  return files;
}
