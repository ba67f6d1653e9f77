import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { ENDS } from './close-codes.ts';
import type { Connection } from './connection.ts';
import { decodePath } from './handshake-request.ts';
import { gatewayId } from './ids.ts';
import { type BodyRead, readBody } from './request-body.ts';

/**
 * The management API of `@connections`, on the WebSocket's host. Source: "Amazon API Gateway Management API" reference.
 * Error names and status codes are the SDK's. Signatures are not verified.
 */
export interface Management {
  /** Returns whether the request was one of its own. */
  handle(request: IncomingMessage, response: ServerResponse): boolean;
  /** From now on, each post takes this long. 0: no longer than it must. */
  slowPosts(ms: number): void;
}

type Answer =
  | { statusCode: 200; body?: object }
  | { statusCode: 204 }
  | { statusCode: 400 | 405 | 408 | 410 | 413 | 429; errorType: string; message: string };

const GONE: Answer = {
  statusCode: 410,
  errorType: 'GoneException',
  message: 'The connection with the provided id no longer exists.',
};

export function createManagement(
  stage: string,
  messageBytes: number,
  /** Returns open connections only: a connection opens when its `$connect` has returned. */
  find: (connectionId: string) => Connection | undefined,
): Management {
  const inTurn = createTurns();
  let postMs = 0;

  /** Undefined if the request is never answered. Its caller waits until it gives up. */
  async function answer(request: IncomingMessage, id: string): Promise<Answer | undefined> {
    // Read on arrival, so that a request that waits does not block its sender.
    const body = request.method === 'POST' ? readBody(request, messageBytes) : undefined;
    if (body === undefined) request.resume();
    const connection = find(id);
    if (connection === undefined) return GONE;
    switch (request.method) {
      case 'POST':
        // Reported: a post to a client that vanished may hang, beyond the caller's time limit
        // (github.com/aws/aws-sdk-js-v3, issues 6896 and 7632). Of other requests no such report is known.
        if (connection.isHalfOpen) return undefined;
        if (postMs > 0) return slowPost(connection, await body, postMs);
        return inTurn(connection, async () => post(connection, await body));
      case 'GET':
        return { statusCode: 200, body: describe(connection) };
      case 'DELETE':
        return inTurn(connection, async () => remove(connection));
      default:
        return { statusCode: 405, errorType: 'MethodNotAllowedException', message: 'Method not allowed' };
    }
  }

  return {
    handle(request, response) {
      const id = connectionIdOf(request, stage);
      if (id.kind === 'not-ours') return false;
      if (id.kind === 'malformed') {
        request.resume();
        respond(response, {
          statusCode: 400,
          errorType: 'BadRequestException',
          message: 'Invalid connectionId',
        });
        return true;
      }
      void answer(request, id.id).then((result) => {
        if (result) respond(response, result);
      });
      return true;
    },
    slowPosts(ms) {
      postMs = ms;
    },
  };
}

/**
 * Sends at a random moment of the time that it takes. AWS promises no order for posts that are under way at the same
 * time: here one may overtake the other.
 */
async function slowPost(connection: Connection, body: BodyRead | undefined, ms: number): Promise<Answer> {
  const before = Math.random() * ms;
  await delay(before);
  const answer = post(connection, body);
  await delay(ms - before);
  return answer;
}

function post(connection: Connection, body: BodyRead | undefined): Answer {
  switch (body?.kind) {
    case 'complete':
      return sent(connection, body.text);
    case 'too-large':
      return { statusCode: 413, errorType: 'PayloadTooLargeException', message: 'Message too long' };
    default:
      return { statusCode: 408, errorType: 'RequestTimeoutException', message: 'The body did not arrive' };
  }
}

function sent(connection: Connection, text: string): Answer {
  switch (connection.send(text)) {
    case 'sent':
      return { statusCode: 200 };
    case 'gone':
      return GONE;
    case 'buffer-full':
      return {
        statusCode: 429,
        errorType: 'LimitExceededException',
        message: 'The WebSocket client side buffer is full.',
      };
  }
}

function remove(connection: Connection): Answer {
  if (!connection.isOpen) return GONE;
  connection.end(ENDS.deleted);
  return { statusCode: 204 };
}

function describe({ facts, lastActiveAt }: Connection): object {
  return {
    connectedAt: new Date(facts.connectedAt).toISOString(),
    identity: facts.identity,
    lastActiveAt: new Date(lastActiveAt).toISOString(),
  };
}

/** Runs the requests of one connection in their order. Connections do not wait for each other. */
function createTurns(): <T>(connection: Connection, work: () => Promise<T>) => Promise<T> {
  const last = new WeakMap<Connection, Promise<unknown>>();
  return (connection, work) => {
    const before = last.get(connection) ?? Promise.resolve();
    // Also after a failure, which only its own caller receives.
    const turn = before.then(work, work);
    last.set(connection, turn);
    return turn;
  };
}

type ConnectionId = { kind: 'id'; id: string } | { kind: 'malformed' } | { kind: 'not-ours' };

function connectionIdOf(request: IncomingMessage, stage: string): ConnectionId {
  const [path = ''] = (request.url ?? '').split('?');
  const [, first = '', second = '', third = '', ...more] = path.split('/');
  if (decodePath(first) !== stage || decodePath(second) !== '@connections' || more.length > 0) {
    return { kind: 'not-ours' };
  }
  const id = decodePath(third);
  return id ? { kind: 'id', id } : { kind: 'malformed' };
}

function respond(response: ServerResponse, answer: Answer): void {
  const headers = { 'x-amzn-RequestId': gatewayId(), 'Content-Type': 'application/json' };
  if ('errorType' in answer) {
    response.writeHead(answer.statusCode, { ...headers, 'x-amzn-ErrorType': answer.errorType });
    response.end(JSON.stringify({ message: answer.message }));
    return;
  }
  response.writeHead(answer.statusCode, headers);
  response.end('body' in answer ? JSON.stringify(answer.body) : undefined);
}
