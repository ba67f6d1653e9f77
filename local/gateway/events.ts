import type { HandshakeRequest } from './handshake-request.ts';
import { gatewayId } from './ids.ts';
import type { GatewayApi } from './types.ts';

/**
 * Events in the documented form in which API Gateway passes them to functions. Source: "Lambda REQUEST authorizers" and
 * "Lambda proxy integrations for WebSocket APIs", API Gateway developer guide.
 */

interface Identity {
  userAgent?: string;
  sourceIp: string;
}

/** The authorizer's context. Its values are strings, whatever the authorizer returned. */
export interface AuthorizerFields {
  [name: string]: string | number | null;
  principalId: string;
  /** The authorizer's duration in milliseconds. */
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
  authorizer?: AuthorizerFields;
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

/** The reason for a connection's end, by the codes of RFC 6455, section 7.4. */
export interface ConnectionEnd {
  code: number;
  reason: string;
}

/** Fields that are the same in all events of one connection. */
export interface ConnectionFacts {
  connectionId: string;
  connectedAt: number;
  domainName: string;
  identity: Identity;
  authorizer?: AuthorizerFields;
}

export function connectionFacts(request: HandshakeRequest): ConnectionFacts {
  return {
    connectionId: gatewayId(),
    connectedAt: Date.now(),
    domainName: request.host,
    identity: {
      ...(request.userAgent === undefined ? {} : { userAgent: request.userAgent }),
      sourceIp: request.sourceIp,
    },
  };
}

/** One request of a connection. Each has its own id. Requests of one millisecond have the same time. */
export function requestContext(
  api: GatewayApi,
  facts: ConnectionFacts,
  request: Pick<RequestContext, 'routeKey' | 'eventType'> & Partial<RequestContext>,
): RequestContext {
  const requestId = gatewayId();
  const time = Date.now();
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
    // Absent without a query, not empty.
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

/** AWS keeps only the handshake's host for `$disconnect`. The other headers are present and empty. */
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

/** Formats a time as in the common log format, which API Gateway uses for `requestTime`. */
export function accessLogTime(epochMs: number): string {
  const [, day, month, year, time] =
    /^\w+, (\d+) (\w+) (\d+) ([\d:]+)/.exec(new Date(epochMs).toUTCString()) ?? [];
  return `${day}/${month}/${year}:${time} +0000`;
}
