import type { IncomingMessage } from 'node:http';
import { accessLogTime } from '../events.ts';
import { decodePath, type HandshakeRequest, readHandshakeRequest } from '../handshake-request.ts';
import { gatewayId } from '../ids.ts';
import type { HttpGatewayApi, HttpRouteTarget } from './api.ts';

/**
 * Events of an HTTP API in the documented form: those of integrations in the payload format 2.0, those of authorizers in 1.0. Sources:
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
 */

export interface HttpRequest extends HandshakeRequest {
  method: string;
  /** As it was sent, without the query. */
  rawPath: string;
  rawQuery: string;
  requestId: string;
  time: number;
}

export function readHttpRequest(request: IncomingMessage): HttpRequest {
  const [rawPath = '/', ...query] = (request.url ?? '/').split('?');
  return {
    ...readHandshakeRequest(request),
    method: request.method ?? 'GET',
    rawPath,
    rawQuery: query.join('?'),
    requestId: gatewayId(),
    time: Date.now(),
  };
}

/** The route of a request, and what stands for its parameters. */
export function routeOf(
  { routes }: HttpGatewayApi,
  { method, rawPath }: HttpRequest,
): { route: HttpRouteTarget; parameters: Record<string, string> } | undefined {
  const asked = rawPath.split('/').slice(1).map(decodePath);
  for (const route of routes) {
    if (route.method !== method || route.parts.length !== asked.length) continue;
    const parameters = new Map<string, string>();
    const fits = route.parts.every((part, i) => {
      const value = asked[i];
      const name = /^\{(.+)\}$/.exec(part)?.[1];
      if (name === undefined || !value) return part === value;
      parameters.set(name, value);
      return true;
    });
    if (fits) return { route, parameters: Object.fromEntries(parameters) };
  }
  return undefined;
}

/** Of several values, all with commas between. */
const joined = (values: Readonly<Record<string, readonly string[]>>, lower = false) => {
  const all = new Map<string, string[]>();
  for (const [name, list] of Object.entries(values)) {
    const key = lower ? name.toLowerCase() : name;
    all.set(key, [...(all.get(key) ?? []), ...list]);
  }
  return Object.fromEntries([...all].map(([name, list]) => [name, list.join(',')]));
};

const isEmpty = (value: object) => Object.keys(value).length === 0;

/** `{id}` stands in the key of a route, and the id in its ARN. */
export const methodArnOf = (api: HttpGatewayApi, { method, rawPath }: HttpRequest): string =>
  `arn:aws:execute-api:${api.region}:${api.accountId}:${api.apiId}/${api.stage}/${method}${rawPath}`;

/** In the format 1.0, which is also that of REST APIs. */
export function authorizerEvent(
  api: HttpGatewayApi,
  request: HttpRequest,
  { key }: HttpRouteTarget,
  parameters: Record<string, string>,
): object {
  const [, resource = ''] = key.split(' ');
  return {
    version: '1.0',
    type: 'REQUEST',
    methodArn: methodArnOf(api, request),
    identitySource: '',
    authorizationToken: '',
    resource,
    path: request.rawPath,
    httpMethod: request.method,
    headers: joined(request.multiValueHeaders, true),
    queryStringParameters: joined(request.multiValueQuery),
    pathParameters: parameters,
    stageVariables: {},
    requestContext: {
      accountId: api.accountId,
      apiId: api.apiId,
      domainName: request.host,
      extendedRequestId: request.requestId,
      httpMethod: request.method,
      identity: { sourceIp: request.sourceIp, userAgent: request.userAgent ?? '' },
      path: request.rawPath,
      protocol: 'HTTP/1.1',
      requestId: request.requestId,
      requestTime: accessLogTime(request.time),
      requestTimeEpoch: request.time,
      resourceId: key,
      resourcePath: resource,
      stage: api.stage,
    },
  };
}

/** What is text is not encoded. Others arrive in base64. */
const TEXT = /^(text\/|application\/(json|javascript|xml)\b)/i;

/** In the format 2.0. */
export function requestEvent(
  api: HttpGatewayApi,
  request: HttpRequest,
  { key }: HttpRouteTarget,
  parameters: Record<string, string>,
  { body, authorizer }: { body: Buffer; authorizer: object | undefined },
): object {
  const { cookie, ...headers } = joined(request.multiValueHeaders, true);
  const query = joined(request.multiValueQuery);
  const isText = TEXT.test(headers['content-type'] ?? '');
  return {
    version: '2.0',
    routeKey: key,
    rawPath: request.rawPath,
    rawQueryString: request.rawQuery,
    ...(cookie !== undefined && { cookies: cookie.split(/; */) }),
    headers,
    ...(!isEmpty(query) && { queryStringParameters: query }),
    requestContext: {
      accountId: api.accountId,
      apiId: api.apiId,
      ...(authorizer && { authorizer: { lambda: authorizer } }),
      domainName: request.host,
      domainPrefix: request.host.split('.')[0],
      http: {
        method: request.method,
        path: request.rawPath,
        protocol: 'HTTP/1.1',
        sourceIp: request.sourceIp,
        userAgent: request.userAgent ?? '',
      },
      requestId: request.requestId,
      routeKey: key,
      stage: api.stage,
      time: accessLogTime(request.time),
      timeEpoch: request.time,
    },
    ...(!isEmpty(parameters) && { pathParameters: parameters }),
    ...(body.length > 0 && { body: body.toString(isText ? 'utf8' : 'base64') }),
    isBase64Encoded: body.length > 0 && !isText,
  };
}
