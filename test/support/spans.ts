/** A span as a function sent it, decoded by OTLP's schema and not by our encoder. */
export interface SentSpan {
  service: string;
  traceId: string;
  spanId: string;
  parentId: string;
  name: string;
  kind: 'internal' | 'server' | 'client';
  /** In nanoseconds since the epoch. */
  from: bigint;
  to: bigint;
  attributes: Record<string, string | number | (string | number)[]>;
  isError: boolean;
}

const PREFIX = '{"format":"json","version":1}\nT1S';
const KINDS = [undefined, 'internal', 'server', 'client'] as const;

/** The spans of a datagram to X-Ray's daemon. @throws if it is none */
export function spansIn(datagram: Buffer): SentSpan[] {
  const sent = datagram.toString();
  if (!sent.startsWith(PREFIX)) throw new Error(`no spans: ${sent.slice(0, 60)}`);
  const request = fieldsOf(Buffer.from(sent.slice(PREFIX.length), 'base64'));
  return request.messages(1).flatMap((resourceSpans) => {
    const [resource] = resourceSpans.messages(1);
    const service = String(attributesOf(resource?.messages(1) ?? [])['service.name']);
    return resourceSpans
      .messages(2)
      .flatMap((scope) => scope.messages(2))
      .map((span) => spanOf(span, service));
  });
}

function spanOf(span: Fields, service: string): SentSpan {
  const kind = KINDS[Number(span.numbers(6)[0])];
  const [from = 0n, to = 0n] = [...span.numbers(7), ...span.numbers(8)];
  if (!kind) throw new Error('a span of no kind');
  return {
    service,
    traceId: span.hex(1),
    spanId: span.hex(2),
    parentId: span.hex(4),
    name: span.texts(5).join(),
    kind,
    from,
    to,
    attributes: attributesOf(span.messages(9)),
    isError: span.messages(15).some((status) => status.numbers(3)[0] === 2n),
  };
}

const attributesOf = (all: readonly Fields[]): SentSpan['attributes'] =>
  Object.fromEntries(
    all.map((keyValue) => [keyValue.texts(1).join(), keyValue.messages(2).map(valueIn)[0] ?? '']),
  );

function valueIn(value: Fields): string | number | (string | number)[] {
  const [text] = value.texts(1);
  const [integer] = value.numbers(3);
  if (text !== undefined) return text;
  if (integer !== undefined) return Number(integer);
  return value.messages(5).flatMap((array) => array.messages(1).flatMap(valueIn));
}

/** The fields of one message, by number: protobuf.dev/programming-guides/encoding. */
interface Fields {
  texts(field: number): string[];
  hex(field: number): string;
  numbers(field: number): bigint[];
  messages(field: number): Fields[];
}

function fieldsOf(bytes: Buffer): Fields {
  const found: { field: number; value: bigint | Buffer }[] = [];
  let at = 0;
  const varint = (): bigint => {
    for (let value = 0n, shift = 0n; ; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined) throw new Error('the message is cut off');
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const take = (length: number): Buffer => {
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const key = Number(varint());
    const field = key >> 3;
    if ((key & 7) === 0) found.push({ field, value: varint() });
    else if ((key & 7) === 1) found.push({ field, value: take(8).readBigUInt64LE() });
    else if ((key & 7) === 2) found.push({ field, value: take(Number(varint())) });
    else throw new Error(`wire type ${key & 7}`);
  }
  const buffers = (field: number) =>
    found.flatMap((one) => (one.field === field && typeof one.value !== 'bigint' ? [one.value] : []));
  return {
    texts: (field) => buffers(field).map(String),
    hex: (field) =>
      buffers(field)
        .map((value) => value.toString('hex'))
        .join(),
    numbers: (field) =>
      found.flatMap((one) => (one.field === field && typeof one.value === 'bigint' ? [one.value] : [])),
    messages: (field) => buffers(field).map(fieldsOf),
  };
}
