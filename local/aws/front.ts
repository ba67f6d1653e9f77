import type { IncomingMessage, ServerResponse } from 'node:http';
import { messageOf } from '../errors.ts';
import type { Access, Attempt } from './access.ts';
import type { AccessKey } from './access-key.ts';
import type { FunctionCaller, KeyHolder } from './caller.ts';
import { meter } from './capacity.ts';
import type { Upstream } from './forward.ts';
import { type JsonBody, parseJson, readBody, replay } from './json-body.ts';
import type { JsonService } from './json-service.ts';
import type { Lambda } from './lambda.ts';
import {
  bedrockOperation,
  dynamodbOperation,
  managementOperation,
  type Operation,
  sqsOperation,
  targetOf,
} from './operations.ts';
import type { RealTables } from './real/tables.ts';
import { type Refusal, refuse } from './refusals.ts';
import { isSignedBy, readSignature, type Signature } from './signature.ts';

/** The services behind the front. */
interface Services {
  /** Answers as if the request had arrived at the service's own port. */
  dynamodb(request: IncomingMessage, response: ServerResponse): void;
  /** In the place of `dynamodb` for the tables that are not here. */
  realTables?: RealTables;
  sqs(request: IncomingMessage, response: ServerResponse): void;
  /** The management API of `@connections`. Returns whether the request was one of its own. */
  management(request: IncomingMessage, response: ServerResponse): boolean;
  secrets: JsonService;
  events: JsonService;
  lambda: Lambda;
  bedrock?: Upstream;
}

export interface FrontOptions {
  /** Returns the function with this access key. */
  holderOf(accessKeyId: string): KeyHolder | undefined;
  access: Access;
  services: Services;
  /** The key of operators, who may use the management API without a function's role. */
  operator?: AccessKey;
}

/** A request whose caller is known. */
interface Exchange {
  /** Its body can be read once more. */
  request: IncomingMessage;
  body: Buffer;
  response: ServerResponse;
  path: string;
  caller: FunctionCaller;
}

/** The answer, or what went wrong. A service of a real account can be out of reach, which ends one request and not the local cloud. */
async function answered(
  service: JsonService,
  name: string,
  value: JsonBody['value'],
): Promise<Awaited<ReturnType<JsonService['answer']>>> {
  try {
    return await service.answer(name, value);
  } catch (error) {
    return { status: 500, body: { __type: 'InternalFailure', message: messageOf(error) } };
  }
}

/**
 * Receives every AWS request of the functions. It identifies the caller by the access key and the signature, derives the needed
 * permissions from the operation and its resource, and forwards the request to its service if the function's role
 * allows it.
 *
 * Answers requests that are signed or should be, and returns whether it did.
 */
export function createFront({
  holderOf,
  access,
  services,
  operator,
}: FrontOptions): (request: IncomingMessage, response: ServerResponse) => boolean {
  function answer(service: string, exchange: Exchange): void {
    switch (service) {
      case 'execute-api':
        manage(exchange);
        break;
      case 'bedrock':
        callModel(exchange);
        break;
      case 'lambda':
        void invoke(exchange);
        break;
      case 'dynamodb':
      case 'sqs':
      case 'secretsmanager':
      case 'events':
        callByJson(service, exchange);
        break;
      default:
        reject(exchange, service, { kind: 'no-such-service', service });
    }
  }

  function manage(exchange: Exchange): void {
    const { request, response, body, path } = exchange;
    const attempt = decide(exchange, 'execute-api', managementOperation(request.method ?? '', path));
    if (!attempt) return;
    response.once('close', () =>
      attempt.done({ requestBytes: body.length, responseBytes: sizeOf(response) }),
    );
    if (!services.management(request, response)) reject(exchange, 'execute-api', { kind: 'malformed' });
  }

  function callModel(exchange: Exchange): void {
    const { request, response, body, path } = exchange;
    if (!services.bedrock) {
      reject(exchange, 'bedrock', { kind: 'no-such-service', service: 'bedrock' });
      return;
    }
    const attempt = decide(exchange, 'bedrock', bedrockOperation(path));
    if (attempt) services.bedrock.pass(request, response, body, attempt.done);
  }

  async function invoke(exchange: Exchange): Promise<void> {
    const { request, response, body, path } = exchange;
    const attempt = decide(exchange, 'lambda', services.lambda.operation(request.method ?? '', path));
    if (!attempt) return;
    try {
      const responseBytes = await services.lambda.answer(request, response, path);
      attempt.done({ requestBytes: body.length, responseBytes });
    } catch (error) {
      response.destroy(error as Error);
    }
  }

  function callByJson(service: 'dynamodb' | 'sqs' | 'secretsmanager' | 'events', exchange: Exchange): void {
    const { request, response } = exchange;
    const read = parseJson(exchange.body);
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
        if (services.realTables?.serve({ name, value, request, response }, attempt.done)) break;
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
        if (!attempt) break;
        response.once('close', () =>
          attempt.done({ requestBytes: bytes.length, responseBytes: sizeOf(response) }),
        );
        services.sqs(request, response);
        break;
      }
      case 'events':
      case 'secretsmanager': {
        const answering = service === 'events' ? services.events : services.secrets;
        const attempt = decide(exchange, service, answering.operation(name, value));
        if (attempt) void answerByItself(answering, { name, ...read }, response, attempt);
      }
    }
  }

  async function answerByItself(
    service: JsonService,
    { name, value, bytes }: { name: string } & JsonBody,
    response: ServerResponse,
    attempt: Attempt,
  ): Promise<void> {
    const { status, body } = await answered(service, name, value);
    const text = JSON.stringify(body);
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(text);
    attempt.done({ requestBytes: bytes.length, responseBytes: Buffer.byteLength(text) });
  }

  /** Returns the call if it is allowed. Otherwise answers the request. */
  function decide(exchange: Exchange, service: string, { name, needs }: Operation): Attempt | undefined {
    const { body, caller } = exchange;
    const attempt = access.attempt(caller, { by: 'function', service, operation: name, needs });
    const { denied } = attempt;
    if (!denied) return attempt;
    const responseBytes = reject(exchange, service, { kind: 'denied', user: caller.userArn, ...denied });
    attempt.done({ requestBytes: body.length, responseBytes });
    return undefined;
  }

  async function receive(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    signature: Signature,
  ): Promise<void> {
    const { accessKeyId, service } = signature;
    const no = (kind: 'unknown-key' | 'malformed' | 'wrong-signature') =>
      void reject({ request, response }, service, { kind });
    const isOperator = service === 'execute-api' && accessKeyId === operator?.accessKeyId;
    const holder = isOperator ? operator : holderOf(accessKeyId);
    if (!holder) return no('unknown-key');
    const body = await readBody(request);
    if (!body) return no('malformed');
    if (!isSignedBy(holder.secretAccessKey, request, body, signature)) return no('wrong-signature');
    if (!('caller' in holder)) {
      if (!services.management(replay(request, body), response)) no('malformed');
      return;
    }
    const { caller } = holder;
    answer(service, { request: replay(request, body), body, response, path, caller });
  }

  return (request, response) => {
    const path = (request.url ?? '/').split('?')[0] ?? '/';
    const signature = readSignature(request);
    if (signature) {
      void receive(request, response, path, signature);
      return true;
    }
    if (services.lambda.answerDeveloper(request, response, path)) return true;
    const service = unsignedServiceOf(request, path);
    if (!service) return false;
    reject({ request, response }, service, { kind: 'no-signature' });
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

/** By the beginning of `X-Amz-Target`. */
const SERVICES = [
  ['DynamoDB_', 'dynamodb'],
  ['AmazonSQS', 'sqs'],
  ['AWSEvents', 'events'],
] as const;

/** The service of an unsigned request. Undefined for a browser's request. */
function unsignedServiceOf({ headers }: IncomingMessage, path: string): string | undefined {
  if (path.split('/')[2] === '@connections') return 'execute-api';
  const target = headers['x-amz-target'];
  if (typeof target !== 'string') return undefined;
  const [, service = 'secretsmanager'] = SERVICES.find(([prefix]) => target.startsWith(prefix)) ?? [];
  return service;
}

function sizeOf(response: ServerResponse): number {
  return Number(response.getHeader('content-length') ?? 0);
}
