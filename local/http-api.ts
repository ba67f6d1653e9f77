import { routesOf, stageOf, targetsOf } from './api.ts';
import type { Access } from './aws/access.ts';
import { LocalCloudError } from './errors.ts';
import type { FunctionPools } from './functions/functions.ts';
import type { Cors, HttpGatewayApi, HttpRouteTarget } from './gateway/http/api.ts';
import { createThrottle } from './gateway/throttle.ts';
import type { Log } from './log.ts';
import type { Properties } from './template/properties.ts';
import type { Stack } from './template/stack.ts';
import { ACCOUNT, REGION } from './world.ts';

/** API Gateway's time limit of an integration of an HTTP API. */
const MAX_INTEGRATION_MS = 30_000;

/**
 * Reads an HTTP API of the template.
 *
 * @param logicalId of the API
 * @throws {LocalCloudError} for what API Gateway would reject, and for formats of events that the local cloud does not make
 */
export function readHttpApi(
  stack: Stack,
  logicalId: string,
  functions: FunctionPools,
  access: Access,
  log: Log,
): HttpGatewayApi {
  const api = stack.withId(logicalId);
  const apiId = stack.ref(api);
  const stage = stageOf(stack, apiId);
  const stageName = stage.properties.text('StageName');
  const target = targetsOf(apiId, functions, access, log, stack);
  const demandFormat = (properties: Properties, name: string, format: string) => {
    if (properties.text(name) !== format)
      throw new LocalCloudError(`The local cloud makes events of HTTP APIs in the format ${format} alone.`);
  };
  const routes = routesOf(stack, apiId).map(({ properties }): HttpRouteTarget => {
    const key = properties.text('RouteKey');
    const [method = '', path = ''] = key.split(' ');
    const { properties: integration } = stack.find(
      'AWS::ApiGatewayV2::Integration',
      properties.text('Target').replace('integrations/', ''),
    );
    demandFormat(integration, 'PayloadFormatVersion', '2.0');
    const authorizerId = properties.optionalText('AuthorizerId');
    const authorizer = authorizerId && stack.find('AWS::ApiGatewayV2::Authorizer', authorizerId).properties;
    if (authorizer) demandFormat(authorizer, 'AuthorizerPayloadFormatVersion', '1.0');
    return {
      key,
      method,
      parts: path.split('/').slice(1),
      timeoutMs: Math.min(integration.number('TimeoutInMillis') ?? MAX_INTEGRATION_MS, MAX_INTEGRATION_MS),
      invoke: (source) => target(integration.text('IntegrationUri'), source),
      ...(authorizer && {
        authorizer: target(authorizer.text('AuthorizerUri'), `authorizers/${authorizerId}`),
      }),
    };
  });
  const throttle = stage.properties.nested('DefaultRouteSettings');
  const [rate, burst] = [throttle.number('ThrottlingRateLimit'), throttle.number('ThrottlingBurstLimit')];
  const cors = corsOf(api.properties);
  return {
    apiId,
    stage: stageName,
    region: REGION,
    accountId: ACCOUNT,
    routes,
    ...(cors && { cors }),
    ...(rate !== undefined && burst !== undefined && { accepts: createThrottle({ rate, burst }) }),
  };
}

function corsOf(properties: Properties): Cors | undefined {
  if (properties.all.CorsConfiguration === undefined) return undefined;
  const cors = properties.nested('CorsConfiguration');
  const texts = (name: string) => cors.list(name).map(String);
  return {
    origins: texts('AllowOrigins'),
    methods: texts('AllowMethods'),
    headers: texts('AllowHeaders'),
    exposed: texts('ExposeHeaders'),
    maxAgeSeconds: cors.number('MaxAge'),
  };
}
