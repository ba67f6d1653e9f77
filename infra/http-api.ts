import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import {
  CorsHttpMethod,
  HttpApi,
  HttpMethod,
  HttpRoute,
  HttpRouteKey,
  HttpStage,
  LogGroupLogDestination,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { Aws, Duration, Stack } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import { HTTP_ROUTES } from '../config/http-routes.ts';
import { AUTH_SETTINGS } from '../config/settings/authentication.ts';
import { STACK_SETTINGS } from '../config/settings/table.ts';
import type { Functions } from './functions.ts';
import { createLogGroup } from './log-group.ts';
import { nameOf } from './name.ts';
import type { PlainProps } from './plain-props.ts';

const { accessLog: ACCESS_LOG_SETTING, httpApi: HTTP_API, throttle: THROTTLE } = STACK_SETTINGS;

/**
 * Creates the HTTP API in front of the function `http`, with the same authorizer as the WebSocket API: it is asked for each request,
 * in the format 1.0 of its events, which is that of a handshake. Undefined: the settings want none.
 */
export function createHttpApi(
  scope: Construct,
  functions: Functions,
  props: PlainProps,
): HttpApi | undefined {
  if (!(props.httpApi ?? HTTP_API.default) || !functions.http) return undefined;
  const api = new HttpApi(scope, 'HttpApi', {
    apiName: `${nameOf(scope)}-midturn-http`,
    createDefaultStage: false,
    ...(props.httpOrigins && {
      corsPreflight: {
        allowOrigins: props.httpOrigins.split(','),
        allowMethods: [CorsHttpMethod.GET, CorsHttpMethod.POST, CorsHttpMethod.DELETE],
        allowHeaders: ['authorization', 'content-type'],
        exposeHeaders: ['retry-after'],
        maxAge: Duration.hours(1),
      },
    }),
  });
  // One permission for the API, not one for each route: it has no other function.
  const integration = new HttpLambdaIntegration('Http', functions.http, { scopePermissionToRoute: false });
  const authorizer = new HttpLambdaAuthorizer('HttpAuthorizer', functions.authorizer, {
    // Without an identity source, since a token can be in several places, and so without a cache: an answer is of one route.
    identitySource: [],
    resultsCacheTtl: Duration.seconds(0),
  });
  const isOpen = !(props.authorizer ?? AUTH_SETTINGS.authorizer.default);
  let before: HttpRoute | undefined;
  for (const name of HTTP_ROUTES) {
    const [method = '', path = ''] = name.split(' ');
    const route = new HttpRoute(api, idOf(method, path), {
      httpApi: api,
      routeKey: HttpRouteKey.with(path, HttpMethod[method as keyof typeof HttpMethod]),
      integration,
      ...(!isOpen && { authorizer }),
    });
    // API Gateway refuses changes of an API at the same time.
    if (before) route.node.addDependency(before);
    before = route;
  }
  createStage(scope, api, props, before);
  return api;
}

/** `GET /api/sessions/{id}/messages`: `GetApiSessionsIdMessages`. */
const idOf = (method: string, path: string): string =>
  [method.toLowerCase(), ...path.split(/[^a-z]+/)]
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');

function createStage(
  scope: Construct,
  api: HttpApi,
  props: PlainProps,
  last: HttpRoute | undefined,
): HttpStage {
  const accessLog = props.accessLog ?? ACCESS_LOG_SETTING.default;
  const stage = new HttpStage(api, 'Stage', {
    httpApi: api,
    stageName: '$default',
    autoDeploy: true,
    // Anybody can send a request, as a handshake.
    throttle: {
      rateLimit: props.throttle?.connectRate ?? THROTTLE.connectRate.default,
      burstLimit: props.throttle?.connectBurst ?? THROTTLE.connectBurst.default,
    },
    ...(accessLog && {
      accessLogSettings: {
        destination: new LogGroupLogDestination(createLogGroup(scope, 'HttpAccessLogs', props)),
        format: AccessLogFormat.custom(JSON.stringify(ACCESS_LOG)),
      },
    }),
  });
  if (last) stage.node.addDependency(last);
  return stage;
}

/** Host name of the API. */
export const httpHost = (api: HttpApi): string =>
  `${api.apiId}.execute-api.${Stack.of(api).region}.${Aws.URL_SUFFIX}`;

/** A line of the access log. It contains nothing that the client sent: the route has `{id}` in the place of the session. */
const ACCESS_LOG = {
  requestId: '$context.requestId',
  time: '$context.requestTimeEpoch',
  routeKey: '$context.routeKey',
  status: '$context.status',
  error: '$context.error.message',
  integrationStatus: '$context.integration.status',
  integrationError: '$context.integration.error',
  integrationLatency: '$context.integration.latency',
  authorizerError: '$context.authorizer.error',
} as const;
