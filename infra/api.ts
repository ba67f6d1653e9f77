import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import {
  CfnApi,
  CfnStage,
  LogGroupLogDestination,
  WebSocketApi,
  type WebSocketRoute,
  WebSocketStage,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { WebSocketLambdaAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { WebSocketLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { Aws, Stack } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import { AUTH_SETTINGS } from '../config/settings/authentication.ts';
import { STACK_SETTINGS } from '../config/settings/table.ts';
import { createAccountLogsRole } from './api-account.ts';
import { domainAddress } from './domain.ts';
import type { ConnectionMethod } from './function-table.ts';
import type { Functions } from './functions.ts';
import { createLogGroup } from './log-group.ts';
import { acknowledge } from './nag.ts';
import { nameOf } from './name.ts';
import type { PlainProps } from './plain-props.ts';

const {
  accessLog: ACCESS_LOG_SETTING,
  apiLogsRole: LOGS_ROLE,
  defaultEndpoint: DEFAULT_ENDPOINT,
  detailedMetrics: DETAILED_METRICS,
  throttle: THROTTLE,
} = STACK_SETTINGS;

/** Creates the WebSocket API without routes: routes need the functions, and functions need the API. */
export function createApi(scope: Construct, { defaultEndpoint }: PlainProps): WebSocketApi {
  const api = new WebSocketApi(scope, 'Api', {
    apiName: `${nameOf(scope)}-midturn`,
    routeSelectionExpression: '$request.body.type',
  });
  const { defaultChild } = api.node;
  if (!(defaultChild instanceof CfnApi)) throw new TypeError('The API has no resource.');
  // The construct has no prop for it. Source:
  // https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-disable-default-endpoint.html
  if (!(defaultEndpoint ?? DEFAULT_ENDPOINT.default)) defaultChild.disableExecuteApiEndpoint = true;
  return api;
}

/** ARN patterns of the connections of one stage, by what is done to them. */
export function connectionsArns(
  api: WebSocketApi,
  stageName: string,
): Readonly<Record<ConnectionMethod, string>> {
  const arn = (method: ConnectionMethod) =>
    Stack.of(api).formatArn({
      service: 'execute-api',
      resource: api.apiId,
      resourceName: `${stageName}/${method}/@connections/*`,
    });
  return { POST: arn('POST'), DELETE: arn('DELETE') };
}

/**
 * Where functions post to connections. Built from its parts, because the stage is created after the functions. An API without
 * its default endpoint answers posts there with 403, as it answers clients, and takes them under its own host name:
 * https://github.com/aws/aws-sdk-net/issues/1860
 */
export function managementEndpoint(api: WebSocketApi, stageName: string, props: PlainProps): string {
  const { managementEndpoint: chosen, defaultEndpoint } = props;
  const address = domainAddress(props);
  if (chosen !== undefined) return chosen.replaceAll('{api}', api.apiId).replaceAll('{stage}', stageName);
  if (!(defaultEndpoint ?? DEFAULT_ENDPOINT.default) && address !== undefined) return `https://${address}`;
  return `https://${api.apiId}.execute-api.${Stack.of(api).region}.${Aws.URL_SUFFIX}/${stageName}`;
}

/**
 * Creates the routes that API Gateway has for every API. All frames arrive at `$default`: a route for each frame would have the
 * same function behind it. Each is created after the one before, because API Gateway refuses changes of an API at the same
 * time ("Unable to complete operation due to concurrent modification").
 */
export function createRoutes(api: WebSocketApi, functions: Functions, props: PlainProps): WebSocketRoute[] {
  const connection = new WebSocketLambdaIntegration('Connection', functions.connection);
  const inbound = new WebSocketLambdaIntegration('Inbound', functions.inbound);
  const authorizer = new WebSocketLambdaAuthorizer('Authorizer', functions.authorizer, {
    // Without an identity source: API Gateway would refuse handshakes that lack it, and a browser cannot send a header.
    identitySource: [],
  });
  const connect = api.addRoute('$connect', {
    integration: connection,
    ...((props.authorizer ?? AUTH_SETTINGS.authorizer.default) && { authorizer }),
  });
  const disconnect = api.addRoute('$disconnect', { integration: connection });
  const frames = api.addRoute('$default', { integration: inbound });
  disconnect.node.addDependency(connect);
  frames.node.addDependency(disconnect);
  for (const route of [disconnect, frames]) {
    acknowledge(route, {
      'AwsSolutions-APIG4':
        'A WebSocket is authorized at $connect, and its frames arrive on that connection.',
    });
  }
  return [connect, disconnect, frames];
}

/** Creates the stage after the routes: it deploys each change of the API by itself. */
export function createStage(
  scope: Construct,
  api: WebSocketApi,
  routes: readonly WebSocketRoute[],
  stageName: string,
  props: PlainProps,
): WebSocketStage {
  const { accessLog = ACCESS_LOG_SETTING.default, apiLogsRole = LOGS_ROLE.default } = props;
  const stage = new WebSocketStage(api, 'Stage', {
    webSocketApi: api,
    stageName,
    autoDeploy: true,
    throttle: {
      rateLimit: props.throttle?.rate ?? THROTTLE.rate.default,
      burstLimit: props.throttle?.burst ?? THROTTLE.burst.default,
    },
    detailedMetricsEnabled: props.detailedMetrics ?? DETAILED_METRICS.default,
    ...(accessLog && {
      accessLogSettings: {
        destination: new LogGroupLogDestination(createLogGroup(scope, 'AccessLogs', props)),
        format: AccessLogFormat.custom(JSON.stringify(ACCESS_LOG)),
      },
    }),
  });
  stage.node.addDependency(...routes);
  throttleHandshakes(stage, props);
  if (accessLog && apiLogsRole === 'create') stage.node.addDependency(createAccountLogsRole(scope));
  return stage;
}

/**
 * A throttle for `$connect` alone. Source:
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-protect.html, "Route-level throttling". What a route
 * sets replaces the stage's settings for it, so the metrics are set again.
 */
function throttleHandshakes(stage: WebSocketStage, { throttle, detailedMetrics }: PlainProps): void {
  const { defaultChild } = stage.node;
  if (!(defaultChild instanceof CfnStage)) throw new TypeError('The stage has no resource.');
  defaultChild.routeSettings = {
    $connect: {
      ThrottlingRateLimit: throttle?.connectRate ?? THROTTLE.connectRate.default,
      ThrottlingBurstLimit: throttle?.connectBurst ?? THROTTLE.connectBurst.default,
      DetailedMetricsEnabled: detailedMetrics ?? DETAILED_METRICS.default,
    },
  };
}

/** A line of the access log. It contains nothing that the client sent, because a URL can contain a token. */
const ACCESS_LOG = {
  requestId: '$context.requestId',
  time: '$context.requestTimeEpoch',
  connectionId: '$context.connectionId',
  eventType: '$context.eventType',
  routeKey: '$context.routeKey',
  status: '$context.status',
  error: '$context.error.message',
  integrationStatus: '$context.integration.status',
  integrationError: '$context.integration.error',
  integrationLatency: '$context.integration.latency',
  authorizerStatus: '$context.authorizer.status',
  authorizerError: '$context.authorizer.error',
} as const;
