import { IncomingMessage } from 'node:http';
import { fields } from './operations.ts';

/** A request's body, read to its end. */
export interface JsonBody {
  bytes: Buffer;
  value: Readonly<Record<string, unknown>>;
}

/** The size limit of a request, which is DynamoDB's. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;

/** Returns the body and its JSON. Undefined if it is no JSON, too large, or incomplete. */
export async function readJson(request: IncomingMessage): Promise<JsonBody | undefined> {
  const bytes = await readBody(request);
  return bytes && parseJson(bytes);
}

/** Undefined for what is no JSON. */
export function parseJson(bytes: Buffer): JsonBody | undefined {
  try {
    return { bytes, value: fields(JSON.parse(bytes.toString())) };
  } catch {
    return undefined;
  }
}

/** Returns the body. Undefined if it is too large or incomplete. */
export function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= MAX_BODY_BYTES) chunks.push(chunk);
    });
    request.once('end', () => {
      if (size > MAX_BODY_BYTES) {
        resolve(undefined);
        return;
      }
      resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks));
    });
    // The caller was killed during the request.
    request.once('error', () => resolve(undefined));
  });
}

/** Makes a request whose body can be read again from the beginning. */
export function replay(request: IncomingMessage, body: Buffer): IncomingMessage {
  const again = new IncomingMessage(request.socket);
  again.method = request.method ?? 'POST';
  again.url = request.url ?? '/';
  again.headers = { ...request.headers, 'content-length': String(body.length) };
  // The body was read already, so destroying this stream must not destroy the socket.
  again.complete = true;
  again.push(body);
  again.push(null);
  return again;
}
