import { WebSocketApi, WebSocketStage } from 'aws-cdk-lib/aws-apigatewayv2';
import { WebSocketLambdaAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { WebSocketLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { Aws, Stack } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import { CLIENT_FRAMES } from '../lambdas/protocol/client-frames.ts';
import type { Functions } from './functions.ts';

/** The WebSocket API, still without routes: functions need to know it before routes can lead to them. */
export function createApi(scope: Construct): WebSocketApi {
  return new WebSocketApi(scope, 'Api', {
    apiName: `${Stack.of(scope).stackName}-midturn`,
    routeSelectionExpression: '$request.body.type',
  });
}

/** ARN patterns of the connections of one stage, for posting to them and for closing those that cannot keep up. */
export function connectionsArns(api: WebSocketApi, stageName: string): string[] {
  return ['POST', 'DELETE'].map((method) =>
    Stack.of(api).formatArn({
      service: 'execute-api',
      resource: api.apiId,
      resourceName: `${stageName}/${method}/@connections/*`,
    }),
  );
}

/** Where functions post to connections. Not read off the stage, which comes after the functions. */
export function callbackUrl(api: WebSocketApi, stageName: string): string {
  return `https://${api.apiId}.execute-api.${Stack.of(api).region}.${Aws.URL_SUFFIX}/${stageName}`;
}

/** One route for each frame that clients send, `$default` for whatever else they send, and the stage. */
export function createRoutes(api: WebSocketApi, functions: Functions, stageName: string): WebSocketStage {
  const connection = new WebSocketLambdaIntegration('Connection', functions.connection);
  const inbound = new WebSocketLambdaIntegration('Inbound', functions.inbound);
  const authorizer = new WebSocketLambdaAuthorizer('Authorizer', functions.authorizer, {
    // No identity source: with one, API Gateway itself refuses whoever lacks it, and a browser can send no header.
    identitySource: [],
  });
  api.addRoute('$connect', { integration: connection, authorizer });
  api.addRoute('$disconnect', { integration: connection });
  api.addRoute('$default', { integration: inbound });
  for (const type of Object.keys(CLIENT_FRAMES)) api.addRoute(type, { integration: inbound });
  return new WebSocketStage(api, 'Stage', { webSocketApi: api, stageName, autoDeploy: true });
}
