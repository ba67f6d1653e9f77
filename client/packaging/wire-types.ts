import * as z from 'zod/mini';
import * as client from '../../protocol/client-frames.ts';
import { content, contentPart } from '../../protocol/content.ts';
import { ERROR_CODES } from '../../protocol/errors.ts';
import { eventFrame } from '../../protocol/events.ts';
import * as server from '../../protocol/server-frames.ts';

/**
 * The types of the wire in plain TypeScript, for the package. The types that the schemas infer would make the schema
 * library a dependency of every application.
 */
const TYPES: Readonly<Record<string, z.ZodMiniType>> = {
  Content: content,
  ContentPart: contentPart,
  ConnectFrame: client.connectFrame,
  MessageFrame: client.messageFrame,
  AbortFrame: client.abortFrame,
  ApprovalResponseFrame: client.approvalResponseFrame,
  ToolOutputFrame: client.toolOutputFrame,
  ClientFrame: z.union(Object.values(client.CLIENT_FRAMES)),
  EventFrame: eventFrame,
  ReplyFrame: server.replyFrame,
  HistoryEntry: server.historyEntry,
  SessionStart: server.sessionStart,
  ErrorReply: server.errorReply,
  ErrorCode: z.enum(ERROR_CODES),
};

/** The source of a module with the type declarations. */
export function wireTypes(): string {
  const types = Object.entries(TYPES).map(([name, schema]) => {
    const shape = z.toJSONSchema(schema, { override: markJson });
    return `export type ${name} = ${print(shape as Shape)};`;
  });
  return [
    'export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };',
    ...types,
    'export type ServerFrame = EventFrame | ReplyFrame;',
    // The one function of the protocol's files that the client exports.
    FILES_IN,
    '',
  ].join('\n');
}

const FILES_IN =
  'export declare function filesIn(output: unknown): Extract<ContentPart, { file: string }>[];';

/** The part of JSON Schema that the schemas of the protocol use. */
interface Shape {
  isJson?: boolean;
  $ref?: string;
  const?: unknown;
  enum?: unknown[];
  anyOf?: Shape[];
  oneOf?: Shape[];
  type?: string | string[];
  items?: Shape;
  properties?: Record<string, Shape>;
  required?: string[];
}

/** Names the schema of any JSON value, which is recursive. */
function markJson({ zodSchema, jsonSchema }: { zodSchema: z.core.$ZodTypes; jsonSchema: object }): void {
  if (zodSchema._zod.def.type === 'lazy') Object.assign(jsonSchema, { isJson: true });
}

function print(shape: Shape): string {
  if (shape.isJson || shape.$ref) return 'JsonValue';
  if (shape.const !== undefined) return JSON.stringify(shape.const);
  if (shape.enum) return shape.enum.map((value) => JSON.stringify(value)).join(' | ');
  const options = shape.anyOf ?? shape.oneOf;
  if (options) return options.map(print).join(' | ');
  if (Array.isArray(shape.type)) return shape.type.map((type) => print({ ...shape, type })).join(' | ');
  switch (shape.type) {
    case 'string':
    case 'boolean':
    case 'null':
      return shape.type;
    case 'integer':
    case 'number':
      return 'number';
    case 'array':
      return `(${print(shape.items ?? {})})[]`;
    case 'object':
      return printObject(shape);
    default:
      throw new Error(`The protocol has a type that is not known here: ${JSON.stringify(shape)}`);
  }
}

function printObject({ properties = {}, required = [] }: Shape): string {
  const fields = Object.entries(properties).map(([name, shape]) =>
    required.includes(name) ? `${name}: ${print(shape)}` : `${name}?: ${print(shape)} | undefined`,
  );
  return `{ ${fields.join('; ')} }`;
}
