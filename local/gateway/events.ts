import type { HandshakeRequest } from './handshake-request.ts';
import { newId } from './ids.ts';
import type { GatewayApi } from './types.ts';

/**
 * The events that API Gateway hands to functions, in their documented shapes. Source: "Lambda REQUEST authorizers" and
 * "Lambda proxy integrations for WebSocket APIs", API Gateway developer guide.
 */

interface Identity {
  userAgent?: string;
  sourceIp: string;
}

/** What an authorizer said about the caller. Context values arrive as strings, whatever the authorizer returned. */
export interface AuthorizerContext {
  [name: string]: string | number | null;
  principalId: string;
  /** Milliseconds that the authorizer took. */
  integrationLatency: number;
}

export interface RequestContext {
  routeKey: string;
  eventType: 'CONNECT' | 'MESSAGE' | 'DISCONNECT';
  extendedRequestId: string;
  /** `19/Jan/2023:21:13:26 +0000`. */
  requestTime: string;
  messageDirection: 'IN';
  stage: string;
  /** Milliseconds since the epoch, as `requestTimeEpoch`. */
  connectedAt: number;
  requestTimeEpoch: number;
  identity: Identity;
  requestId: string;
  domainName: string;
  connectionId: string;
  apiId: string;
  authorizer?: AuthorizerContext;
  messageId?: string;
  disconnectStatusCode?: number;
  disconnectReason?: string;
}

interface Handshake {
  headers: Record<string, string>;
  multiValueHeaders: Record<string, string[]>;
  queryStringParameters?: Record<string, string>;
  multiValueQueryStringParameters?: Record<string, string[]>;
}

export interface AuthorizerEvent extends Required<Handshake> {
  type: 'REQUEST';
  methodArn: string;
  stageVariables: Record<string, string>;
  requestContext: RequestContext;
}

export interface ConnectEvent extends Handshake {
  requestContext: RequestContext;
  isBase64Encoded: false;
}

export interface MessageEvent {
  requestContext: RequestContext;
  body: string;
  isBase64Encoded: false;
}

export interface DisconnectEvent {
  headers: Record<string, string>;
  multiValueHeaders: Record<string, string[]>;
  requestContext: RequestContext;
  isBase64Encoded: false;
}

/** Why a connection ended, by the codes of RFC 6455 section 7.4. */
export interface ConnectionEnd {
  code: number;
  reason: string;
}

/** What stays the same in all events of one connection. */
export interface ConnectionFacts {
  connectionId: string;
  connectedAt: number;
  domainName: string;
  identity: Identity;
  authorizer?: AuthorizerContext;
  /**
   * The time of this connection's next request. AWS promises no distinct times; here they rise by at least a
   * millisecond each, a kindness that makes arrival order visible. A burst therefore runs ahead of the clock.
   */
  nextRequestTime(): number;
}

export function connectionFacts(request: HandshakeRequest): ConnectionFacts {
  const connectedAt = Date.now();
  let last = connectedAt;
  return {
    connectionId: newId(),
    connectedAt,
    domainName: request.host,
    identity: {
      ...(request.userAgent === undefined ? {} : { userAgent: request.userAgent }),
      sourceIp: request.sourceIp,
    },
    nextRequestTime: () => {
      last = Math.max(Date.now(), last + 1);
      return last;
    },
  };
}

/** One request of a connection: each has an id and a time of its own. */
export function requestContext(
  api: GatewayApi,
  facts: ConnectionFacts,
  request: Pick<RequestContext, 'routeKey' | 'eventType'> & Partial<RequestContext>,
): RequestContext {
  const requestId = newId();
  const time = facts.nextRequestTime();
  return {
    ...request,
    extendedRequestId: requestId,
    requestTime: accessLogTime(time),
    messageDirection: 'IN',
    stage: api.stage,
    connectedAt: facts.connectedAt,
    requestTimeEpoch: time,
    identity: facts.identity,
    requestId,
    domainName: facts.domainName,
    connectionId: facts.connectionId,
    apiId: api.apiId,
    ...(facts.authorizer === undefined ? {} : { authorizer: facts.authorizer }),
  };
}

export function methodArn(api: GatewayApi): string {
  return `arn:aws:execute-api:${api.region}:${api.accountId}:${api.apiId}/${api.stage}/$connect`;
}

export function authorizerEvent(
  api: GatewayApi,
  request: HandshakeRequest,
  context: RequestContext,
): AuthorizerEvent {
  return {
    type: 'REQUEST',
    methodArn: methodArn(api),
    headers: request.headers,
    multiValueHeaders: request.multiValueHeaders,
    queryStringParameters: request.query,
    multiValueQueryStringParameters: request.multiValueQuery,
    stageVariables: {},
    requestContext: context,
  };
}

export function connectEvent(request: HandshakeRequest, context: RequestContext): ConnectEvent {
  const hasQuery = Object.keys(request.query).length > 0;
  return {
    headers: request.headers,
    multiValueHeaders: request.multiValueHeaders,
    // Absent, not empty, without a query.
    ...(hasQuery && {
      queryStringParameters: request.query,
      multiValueQueryStringParameters: request.multiValueQuery,
    }),
    requestContext: context,
    isBase64Encoded: false,
  };
}

export function messageEvent(context: RequestContext, body: string): MessageEvent {
  return { requestContext: context, body, isBase64Encoded: false };
}

/** Of the handshake, `$disconnect` knows only the host; the other headers are there and empty, as AWS sends them. */
export function disconnectEvent(
  api: GatewayApi,
  facts: ConnectionFacts,
  { code, reason }: ConnectionEnd,
): DisconnectEvent {
  const headers = { Host: facts.domainName, 'x-api-key': '', 'X-Forwarded-For': '', 'x-restapi': '' };
  return {
    headers,
    multiValueHeaders: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]])),
    requestContext: requestContext(api, facts, {
      routeKey: '$disconnect',
      eventType: 'DISCONNECT',
      disconnectStatusCode: code,
      disconnectReason: reason,
    }),
    isBase64Encoded: false,
  };
}

/** The common log format's time, which API Gateway uses for `requestTime`. */
function accessLogTime(epochMs: number): string {
  const [, day, month, year, time] =
    /^\w+, (\d+) (\w+) (\d+) ([\d:]+)/.exec(new Date(epochMs).toUTCString()) ?? [];
  return `${day}/${month}/${year}:${time} +0000`;
}
