import type { Attributes, SpanKind } from '../../core/tracing.ts';
import type { TraceParent } from './trace-header.ts';

/** A span that has ended. Times are in milliseconds since the epoch. */
export interface EndedSpan extends TraceParent {
  parentId: string;
  name: string;
  kind: SpanKind;
  from: number;
  to: number;
  attributes: Attributes;
  error?: string;
}

/**
 * Spans as OTLP's `ExportTraceServiceRequest`, in protocol buffers: opentelemetry-proto, trace/v1/trace.proto. By hand, because the
 * packages that do it are larger than all of a function's code, and these fields have not changed since version 1.0.
 */
export function encodeSpans(service: string, spans: readonly EndedSpan[]): Buffer {
  const resource = message(1, attribute('service.name', service), attribute('cloud.provider', 'aws'));
  const scope = message(1, text(1, 'midturn'));
  const scopeSpans = message(2, scope, ...spans.map((span) => message(2, spanOf(span))));
  return message(1, resource, scopeSpans);
}

/** By the names of `Span.SpanKind`. */
const KINDS: Readonly<Record<SpanKind, number>> = { internal: 1, server: 2, client: 3 };
const STATUS_ERROR = 2;

function spanOf({ traceId, spanId, parentId, name, kind, from, to, attributes, error }: EndedSpan): Buffer {
  return Buffer.concat([
    bytes(1, Buffer.from(traceId, 'hex')),
    bytes(2, Buffer.from(spanId, 'hex')),
    bytes(4, Buffer.from(parentId, 'hex')),
    text(5, name),
    number(6, KINDS[kind]),
    nanoseconds(7, from),
    nanoseconds(8, to),
    ...Object.entries(attributes).map(([key, value]) => bytes(9, keyValue(key, value))),
    ...(error === undefined
      ? []
      : [bytes(9, keyValue('error.type', error)), message(15, number(3, STATUS_ERROR))]),
  ]);
}

type Value = Attributes[string];

const attribute = (key: string, value: Value): Buffer => bytes(1, keyValue(key, value));
const keyValue = (key: string, value: Value): Buffer =>
  Buffer.concat([text(1, key), message(2, anyValue(value))]);

function anyValue(value: Value): Buffer {
  if (typeof value === 'string') return text(1, value);
  if (typeof value === 'number') return number(3, value);
  return message(5, ...value.map((item) => message(1, text(1, item))));
}

/** Wire types of protocol buffers: protobuf.dev/programming-guides/encoding. */
const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;

const key = (field: number, type: number): Buffer => varint((field << 3) | type);
const bytes = (field: number, value: Buffer): Buffer =>
  Buffer.concat([key(field, LENGTH_DELIMITED), varint(value.length), value]);
const message = (field: number, ...parts: readonly Buffer[]): Buffer => bytes(field, Buffer.concat(parts));
/** Models and providers name tools and calls, as long as they like. */
const MOST_CHARACTERS = 500;
const text = (field: number, value: string): Buffer =>
  bytes(field, Buffer.from(value.slice(0, MOST_CHARACTERS)));
const number = (field: number, value: number): Buffer => Buffer.concat([key(field, VARINT), varint(value)]);

function nanoseconds(field: number, milliseconds: number): Buffer {
  const eight = Buffer.alloc(8);
  eight.writeBigUInt64LE(BigInt(Math.round(milliseconds)) * 1_000_000n);
  return Buffer.concat([key(field, FIXED64), eight]);
}

/** Seven bits a byte, the least first. @param value not negative */
function varint(value: number): Buffer {
  const all: number[] = [];
  let left = BigInt(value);
  do {
    const low = Number(left & 0x7fn);
    left >>= 7n;
    all.push(left > 0n ? low | 0x80 : low);
  } while (left > 0n);
  return Buffer.from(all);
}
