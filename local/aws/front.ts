import { IncomingMessage, type ServerResponse } from 'node:http';
import type { Access, Attempt } from './access.ts';
import type { FunctionCaller } from './caller.ts';
import { meter } from './capacity.ts';
import type { Upstream } from './forward.ts';
import {
  bedrockOperation,
  dynamodbOperation,
  fields,
  managementOperation,
  type Operation,
  sqsOperation,
  targetOf,
} from './operations.ts';
import { type Refusal, refuse } from './refusals.ts';
import type { Secrets } from './secrets.ts';
import { signerOf } from './signature.ts';

/** The services behind the front. */
interface Services {
  /** Answers as if the request had arrived at the service's own port. */
  dynamodb(request: IncomingMessage, response: ServerResponse): void;
  sqs: Upstream;
  /** The management API of `@connections`. Returns whether the request was one of its own. */
  management(request: IncomingMessage, response: ServerResponse): boolean;
  secrets: Secrets;
  bedrock?: Upstream;
}

export interface FrontOptions {
  /** Returns the function with this access key. */
  callerOf(accessKeyId: string): FunctionCaller | undefined;
  access: Access;
  services: Services;
}

/** The size limit of a request, which is DynamoDB's. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;

/** A request whose caller is known. */
interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  path: string;
  caller: FunctionCaller;
}

/**
 * Receives every AWS request of the functions. It identifies the caller by the access key, derives the needed
 * permissions from the operation and its resource, and forwards the request to its service if the function's role
 * allows it.
 *
 * Answers requests that are signed or should be, and returns whether it did.
 */
export function createFront({
  callerOf,
  access,
  services,
}: FrontOptions): (request: IncomingMessage, response: ServerResponse) => boolean {
  function answer(service: string, exchange: Exchange): void {
    switch (service) {
      case 'execute-api':
        manage(exchange);
        break;
      case 'bedrock':
        callModel(exchange);
        break;
      case 'dynamodb':
      case 'sqs':
      case 'secretsmanager':
        void callByJson(service, exchange);
        break;
      default:
        reject(exchange, service, { kind: 'no-such-service', service });
    }
  }

  function manage(exchange: Exchange): void {
    const { request, response, path } = exchange;
    const attempt = decide(exchange, 'execute-api', managementOperation(request.method ?? '', path));
    if (!attempt) return;
    const requestBytes = Number(request.headers['content-length'] ?? 0);
    response.once('close', () => attempt.done({ requestBytes, responseBytes: sizeOf(response) }));
    if (!services.management(request, response)) reject(exchange, 'execute-api', { kind: 'malformed' });
  }

  function callModel(exchange: Exchange): void {
    const { request, response, path } = exchange;
    if (!services.bedrock) {
      reject(exchange, 'bedrock', { kind: 'no-such-service', service: 'bedrock' });
      return;
    }
    const attempt = decide(exchange, 'bedrock', bedrockOperation(path));
    if (attempt) services.bedrock.pass(request, response, undefined, attempt.done);
  }

  async function callByJson(
    service: 'dynamodb' | 'sqs' | 'secretsmanager',
    exchange: Exchange,
  ): Promise<void> {
    const { request, response } = exchange;
    const read = await readJson(request);
    if (!read) {
      reject(exchange, service, { kind: 'malformed' });
      return;
    }
    const { bytes, value } = read;
    const name = targetOf(String(request.headers['x-amz-target'] ?? ''));
    switch (service) {
      case 'dynamodb': {
        const attempt = decide(exchange, service, dynamodbOperation(name, value));
        if (!attempt) break;
        const asked = access.wantsCapacity ? { request: value } : {};
        const body = meter(access.wantsCapacity, name, read, response, (metered) =>
          attempt.done({
            requestBytes: bytes.length,
            responseBytes: sizeOf(response),
            ...metered,
            ...asked,
          }),
        );
        services.dynamodb(replay(request, body), response);
        break;
      }
      case 'sqs': {
        const attempt = decide(exchange, service, sqsOperation(name, value));
        if (attempt) services.sqs.pass(request, response, bytes, attempt.done);
        break;
      }
      case 'secretsmanager': {
        const attempt = decide(exchange, service, services.secrets.operation(name, value));
        if (!attempt) break;
        const { status, body } = services.secrets.answer(name, value);
        const text = JSON.stringify(body);
        response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(text);
        attempt.done({ requestBytes: bytes.length, responseBytes: Buffer.byteLength(text) });
      }
    }
  }

  /** Returns the call if it is allowed. Otherwise answers the request. */
  function decide(exchange: Exchange, service: string, { name, needs }: Operation): Attempt | undefined {
    const { request, caller } = exchange;
    const attempt = access.attempt(caller, { by: 'function', service, operation: name, needs });
    const { denied } = attempt;
    if (!denied) return attempt;
    const responseBytes = reject(exchange, service, { kind: 'denied', user: caller.userArn, ...denied });
    attempt.done({ requestBytes: Number(request.headers['content-length'] ?? 0), responseBytes });
    return undefined;
  }

  return (request, response) => {
    const path = (request.url ?? '/').split('?')[0] ?? '/';
    const signer = signerOf(request);
    if (!signer) {
      const service = unsignedServiceOf(request, path);
      if (!service) return false;
      reject({ request, response }, service, { kind: 'no-signature' });
      return true;
    }
    const caller = callerOf(signer.accessKeyId);
    if (caller) answer(signer.service, { request, response, path, caller });
    else reject({ request, response }, signer.service, { kind: 'unknown-key' });
    return true;
  };
}

/** @returns the answer's bytes */
function reject(
  { request, response }: Pick<Exchange, 'request' | 'response'>,
  service: string,
  refusal: Refusal,
): number {
  // The request is read to its end, so that its sender reads the answer.
  request.resume();
  return refuse(response, service, refusal);
}

/** The service of an unsigned request. Undefined for a browser's request. */
function unsignedServiceOf({ headers }: IncomingMessage, path: string): string | undefined {
  if (path.split('/')[2] === '@connections') return 'execute-api';
  const target = headers['x-amz-target'];
  if (typeof target !== 'string') return undefined;
  return target.startsWith('DynamoDB_')
    ? 'dynamodb'
    : target.startsWith('AmazonSQS')
      ? 'sqs'
      : 'secretsmanager';
}

interface JsonBody {
  bytes: Buffer;
  value: Readonly<Record<string, unknown>>;
}

/** Returns the body and its JSON. Undefined if it is no JSON, too large, or incomplete. */
function readJson(request: IncomingMessage): Promise<JsonBody | undefined> {
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
      const bytes = chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks);
      try {
        resolve({ bytes, value: fields(JSON.parse(bytes.toString())) });
      } catch {
        resolve(undefined);
      }
    });
    // The caller was killed during the request.
    request.once('error', () => resolve(undefined));
  });
}

/** Makes a request whose body can be read again from the beginning. */
function replay(request: IncomingMessage, body: Buffer): IncomingMessage {
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

function sizeOf(response: ServerResponse): number {
  return Number(response.getHeader('content-length') ?? 0);
}
