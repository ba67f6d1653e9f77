import type { Access } from './aws/access.ts';
import { LocalCloudError, messageOf } from './errors.ts';
import type { FunctionPools } from './functions/functions.ts';
import { createThrottle } from './gateway/throttle.ts';
import {
  type AuthorizerTarget,
  type GatewayApi,
  InvocationRefused,
  type Invoke,
  type RouteTarget,
} from './gateway/types.ts';
import type { Log } from './log.ts';
import type { Stack, StackResource } from './template/stack.ts';
import { ACCOUNT, arn, REGION } from './world.ts';

/** API Gateway's time limit of an integration. */
const MAX_INTEGRATION_MS = 29_000;

/**
 * Reads the template's WebSocket API. @throws {LocalCloudError} for a template that API Gateway would reject or fail on
 */
export function readApi(stack: Stack, functions: FunctionPools, access: Access, log: Log): GatewayApi {
  const apis = stack.ofType('AWS::ApiGatewayV2::Api');
  const api = only(apis.filter(isWebSocket), 'WebSocket API');
  const apiId = stack.ref(api);
  const stage = stageOf(stack, apiId);
  const stageName = stage.properties.text('StageName');

  const target = targetsOf(apiId, functions, access, log, stack);
  const byId = (type: string, id: string) => stack.find(type, id);
  const routes = new Map<string, RouteTarget>();
  let authorizer: AuthorizerTarget | undefined;
  for (const { properties } of routesOf(stack, apiId)) {
    const key = properties.text('RouteKey');
    const integration = byId(
      'AWS::ApiGatewayV2::Integration',
      properties.text('Target').replace('integrations/', ''),
    );
    routes.set(key, {
      invoke: target(integration.properties.text('IntegrationUri'), `${stageName}/${key}`),
      timeoutMs: Math.min(
        integration.properties.number('TimeoutInMillis') ?? MAX_INTEGRATION_MS,
        MAX_INTEGRATION_MS,
      ),
    });
    const authorizerId = properties.optionalText('AuthorizerId');
    if (key === '$connect' && authorizerId) {
      const resource = byId('AWS::ApiGatewayV2::Authorizer', authorizerId);
      authorizer = {
        invoke: target(resource.properties.text('AuthorizerUri'), `authorizers/${authorizerId}`),
        identitySources: resource.properties.list('IdentitySource').map(String),
      };
    }
  }
  return {
    apiId,
    stage: stageName,
    region: REGION,
    accountId: ACCOUNT,
    routeSelectionExpression: api.properties.text('RouteSelectionExpression'),
    routes,
    ...(authorizer && { authorizer }),
    ...throttleOf(stage),
  };
}

/**
 * How an API's integrations and authorizers reach their functions. The function's policy must allow API Gateway to invoke it from there.
 * As on AWS, a missing permission shows when it is invoked.
 */
export function targetsOf(
  apiId: string,
  functions: FunctionPools,
  access: Access,
  log: Log,
  stack: Stack,
): (uri: string, source: string) => Invoke {
  return (uri, source) => {
    const functionArn =
      /\/functions\/(.+)\/invocations$/.exec(uri)?.[1] ?? /^arn:\S+:function:\S+$/.exec(uri)?.[0];
    if (!functionArn) throw new LocalCloudError(`${uri} is no function.`);
    const pool = functions.pool(stack.find('AWS::Lambda::Function', functionArn));
    const caller = {
      kind: 'service',
      name: 'API Gateway',
      service: 'apigateway.amazonaws.com',
      sourceArn: arn('execute-api', `${apiId}/${source}`),
    } as const;
    const invocation = {
      by: 'platform',
      service: 'lambda',
      operation: 'Invoke',
      needs: [{ action: 'lambda:InvokeFunction', resource: functionArn }],
    } as const;
    return async (event, limit) => {
      const attempt = access.attempt(caller, invocation);
      attempt.done({ requestBytes: 0, responseBytes: 0 });
      if (!attempt.allowed) throw new InvocationRefused(`No permission is there for ${source}.`);
      try {
        return await pool.invoke(event, limit);
      } catch (error) {
        log({ level: 'error', source: pool.spec.name, text: messageOf(error) });
        throw error;
      }
    };
  };
}

function throttleOf(stage: StackResource): Pick<GatewayApi, 'acceptsHandshake'> {
  const settings = stage.properties.nested('RouteSettings').nested('$connect');
  const [rate, burst] = [settings.number('ThrottlingRateLimit'), settings.number('ThrottlingBurstLimit')];
  return rate === undefined || burst === undefined
    ? {}
    : { acceptsHandshake: createThrottle({ rate, burst }) };
}

const isWebSocket = ({ properties }: StackResource) => properties.text('ProtocolType') === 'WEBSOCKET';

function only(found: readonly StackResource[], what: string): StackResource {
  const [first, ...others] = found;
  if (!first || others.length > 0) throw new LocalCloudError(`The template must have exactly one ${what}.`);
  return first;
}

const ofApi = (stack: Stack, type: string, apiId: string): StackResource[] =>
  stack.ofType(type).filter(({ properties }) => properties.text('ApiId') === apiId);

export const stageOf = (stack: Stack, apiId: string): StackResource =>
  only(ofApi(stack, 'AWS::ApiGatewayV2::Stage', apiId), `stage of ${apiId}`);

export const routesOf = (stack: Stack, apiId: string): StackResource[] =>
  ofApi(stack, 'AWS::ApiGatewayV2::Route', apiId);
