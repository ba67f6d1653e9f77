import { STATUS_CODES } from 'node:http';
import { authorize } from './authorizer.ts';
import { type ConnectionFacts, connectEvent, connectionFacts, requestContext } from './events.ts';
import type { HandshakeRequest } from './handshake-request.ts';
import { callFunction, describeError, describeFailure, readProxyResponse } from './integration.ts';
import { MAX_REQUEST_URL_LENGTH } from './limits.ts';
import { type GatewayApi, InvocationRefused } from './types.ts';

export type Admission =
  | {
      kind: 'admitted';
      facts: ConnectionFacts;
      /** The subprotocol that `$connect` chose, for the header `Sec-WebSocket-Protocol`. */
      subprotocol: string | undefined;
    }
  | { kind: 'refused'; statusCode: number; message: string; connectionId: string; requestId: string };

/**
 * Decides on one handshake: first the authorizer, then the `$connect` integration, whose status code accepts (2xx) or
 * is the client's answer. Does not throw.
 */
export async function admitHandshake(
  api: GatewayApi,
  request: HandshakeRequest,
  /** Why it is refused before anything else. */
  refusal: string | undefined,
  log: (line: string) => void,
): Promise<Admission> {
  const facts = connectionFacts(request);
  const context = requestContext(api, facts, { routeKey: '$connect', eventType: 'CONNECT' });
  const { connectionId } = facts;
  const refuse = (statusCode: number, message: string): Admission => ({
    kind: 'refused',
    statusCode,
    message,
    connectionId,
    requestId: context.requestId,
  });

  if (refusal !== undefined) return refuse(403, refusal);
  if (request.path !== `/${api.stage}`) return refuse(403, 'Forbidden');
  if (request.urlLength > MAX_REQUEST_URL_LENGTH) return refuse(414, 'URI Too Long');

  // Before the authorizer: a throttled handshake invokes nothing.
  if (api.acceptsHandshake?.() === false) return refuse(429, 'Too Many Requests');

  if (api.authorizer !== undefined) {
    const authorization = await authorize(api, api.authorizer, request, context, log);
    switch (authorization.kind) {
      case 'allowed':
        facts.authorizer = authorization.context;
        context.authorizer = authorization.context;
        break;
      case 'unauthorized':
        return refuse(401, 'Unauthorized');
      case 'denied':
        return refuse(403, 'Forbidden');
      case 'broken':
        log(`authorizer of connection ${connectionId} ${authorization.detail}`);
        return refuse(500, 'Internal server error');
    }
  }

  const route = api.routes.get('$connect');
  if (route === undefined) return { kind: 'admitted', facts, subprotocol: undefined };
  const outcome = await callFunction(route, connectEvent(request, context), (error) =>
    log(`$connect of connection ${connectionId} failed after its time limit: ${describeError(error)}`),
  );
  if (outcome.kind !== 'returned') {
    log(`$connect of connection ${connectionId} ${describeFailure(outcome)}`);
    if (outcome.kind === 'timed-out') return refuse(504, 'Endpoint request timed out');
    return refuse(outcome.error instanceof InvocationRefused ? 500 : 502, 'Internal server error');
  }
  const response = readProxyResponse(outcome.value);
  if (response === undefined) {
    log(`$connect of connection ${connectionId} returned no Lambda proxy response`);
    return refuse(502, 'Internal server error');
  }
  if (response.statusCode > 299)
    return refuse(response.statusCode, STATUS_CODES[response.statusCode] ?? 'Refused');
  return { kind: 'admitted', facts, subprotocol: response.headers.get('sec-websocket-protocol') };
}
