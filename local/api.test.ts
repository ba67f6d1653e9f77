import { describe, expect, it } from 'vitest';
import { readApi } from './api.ts';
import { createAccess } from './aws/access.ts';
import { arnOf, stackOf } from './aws/fixtures.ts';
import { readRoles } from './aws/roles.ts';
import type { FunctionPools } from './functions/functions.ts';
import { InvocationRefused } from './gateway/types.ts';
import { readHttpApi } from './http-api.ts';
import type { LogEntry } from './log.ts';
import type { Template, Value } from './template/template.ts';

type Properties = { readonly [name: string]: Value };
type Resources = Template['Resources'];

const FUNCTION = 'arn:aws:lambda:us-east-1:000000000000:function:Midturn-Worker';
/** How API Gateway names a function that it invokes. */
const URI = `arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/${FUNCTION}/invocations`;

const resource = (type: string, Properties: Properties) => ({
  Type: `AWS::ApiGatewayV2::${type}`,
  Properties,
});
const api = (Properties: Properties = {}) =>
  resource('Api', {
    ProtocolType: 'WEBSOCKET',
    RouteSelectionExpression: '$request.body.type',
    ...Properties,
  });
const stage = (StageName: string, more: Properties = {}, of = 'Api') =>
  resource('Stage', { ApiId: { Ref: of }, StageName, ...more });
/** A route and its integration. */
const route = (id: string, RouteKey: string, how: Properties = {}, more: Properties = {}, of = 'Api') => ({
  [id]: resource('Route', {
    ApiId: { Ref: of },
    RouteKey,
    Target: { 'Fn::Join': ['/', ['integrations', { Ref: `${id}Integration` }]] },
    ...more,
  }),
  [`${id}Integration`]: resource('Integration', { ApiId: { Ref: of }, IntegrationUri: URI, ...how }),
});
const permission = (source: string) => ({
  Type: 'AWS::Lambda::Permission',
  Properties: {
    Action: 'lambda:InvokeFunction',
    FunctionName: arnOf('Worker'),
    Principal: 'apigateway.amazonaws.com',
    SourceArn: `arn:aws:execute-api:us-east-1:000000000000:${source}`,
  },
});

function given(resources: Resources) {
  const stack = stackOf([{ Effect: 'Allow', Action: 'a:b', Resource: '*' }], resources);
  const access = createAccess(readRoles(stack), () => {});
  const logged: LogEntry[] = [];
  const invoked: unknown[] = [];
  const limits: (AbortSignal | undefined)[] = [];
  const pool = {
    spec: { name: 'worker' },
    async invoke(event: unknown, limit?: AbortSignal) {
      invoked.push(event);
      limits.push(limit);
      if (event === 'fail') throw new Error('why');
      return { got: event };
    },
  };
  const functions = { pool: () => pool } as unknown as FunctionPools;
  const log = (entry: LogEntry) => logged.push(entry);
  return {
    invoked,
    limits,
    logged,
    access,
    read: () => readApi(stack, functions, access, log),
    readHttp: () => readHttpApi(stack, 'Http', functions, access, log),
  };
}

const CHAT = { Api: api(), Stage: stage('live') };
const HTTP: Resources = {
  Http: resource('Api', { ProtocolType: 'HTTP' }),
  HttpStage: stage('$default', {}, 'Http'),
};
const V2 = { PayloadFormatVersion: '2.0' };
/** A template with a route of an HTTP API. */
const http = (how: Properties = {}, more: Properties = {}, others: Resources = {}): Resources => ({
  ...CHAT,
  ...HTTP,
  ...route('Things', 'POST /api/things/{id}', { ...V2, ...how }, more, 'Http'),
  ...others,
});

describe('a WebSocket API of a template', () => {
  it('has its own stage and routes, and none of another API', () => {
    const read = given({
      ...http(),
      ...route('Connect', '$connect'),
      ...route('Default', '$default'),
    }).read();
    expect(read).toMatchObject({
      apiId: 'midturnapi',
      stage: 'live',
      region: 'us-east-1',
      accountId: '000000000000',
      routeSelectionExpression: '$request.body.type',
    });
    expect([...read.routes.keys()]).toEqual(['$connect', '$default']);
    expect([read.authorizer, read.acceptsHandshake]).toEqual([undefined, undefined]);
  });

  it.each<[Value | undefined, number]>([
    [undefined, 29_000],
    [29_000, 29_000],
    [29_001, 29_000],
    ['500', 500],
  ])('has a route with the time limit %j: %i ms', (TimeoutInMillis, expected) => {
    const how = TimeoutInMillis === undefined ? {} : { TimeoutInMillis };
    const { routes } = given({ ...CHAT, ...route('Default', '$default', how) }).read();
    expect(routes.get('$default')?.timeoutMs).toBe(expected);
  });

  it('has the authorizer of its $connect, and no other’s', async () => {
    const Keys = resource('Authorizer', { AuthorizerUri: URI, IdentitySource: ['a', 'b'] });
    const by = { AuthorizerId: { Ref: 'Keys' } };
    const may = { May: permission('midturnapi/authorizers/Keys') };
    const ofConnect = given({ ...CHAT, ...may, Keys, ...route('Connect', '$connect', {}, by) }).read();
    expect(ofConnect.authorizer?.identitySources).toEqual(['a', 'b']);
    expect(await ofConnect.authorizer?.invoke('token')).toEqual({ got: 'token' });
    const ofDefault = given({ ...CHAT, ...may, Keys, ...route('Default', '$default', {}, by) }).read();
    expect(ofDefault.authorizer).toBeUndefined();
  });

  it.each([
    [{ $connect: { ThrottlingRateLimit: 1, ThrottlingBurstLimit: 3 } }, [true, true, true, false]],
    [{ $connect: { ThrottlingRateLimit: 3, ThrottlingBurstLimit: 1 } }, [true, false, false, false]],
    [{ $connect: { ThrottlingRateLimit: 1 } }, undefined],
    [{ $connect: { ThrottlingBurstLimit: 3 } }, undefined],
    [{ $default: { ThrottlingRateLimit: 1, ThrottlingBurstLimit: 3 } }, undefined],
  ])('with the settings %j accepts handshakes: %j', (RouteSettings, expected) => {
    const { acceptsHandshake } = given({ Api: api(), Stage: stage('live', { RouteSettings }) }).read();
    expect(acceptsHandshake && [1, 2, 3, 4].map(acceptsHandshake)).toEqual(expected);
  });

  it.each<[Resources, string]>([
    [HTTP, 'exactly one WebSocket API'],
    [{ ...CHAT, Second: api() }, 'exactly one WebSocket API'],
    [{ Api: api() }, 'exactly one stage'],
    [{ ...CHAT, Second: stage('other') }, 'exactly one stage'],
    [{ ...CHAT, ...route('Default', '$default', { IntegrationUri: 'https://a.example' }) }, 'is no function'],
  ])('is refused: %#', (resources, why) => {
    expect(given(resources).read).toThrow(why);
  });
});

describe('a route of an API', () => {
  const invoke = async (source: string, event: unknown, how: Properties = {}) => {
    const all = given({ ...CHAT, ...route('Message', 'message', how), May: permission(source) });
    const calls: unknown[] = [];
    all.access.onCall(({ function: by, operation, allowed }) => calls.push([by, operation, allowed]));
    const target = all.read().routes.get('message');
    const limit = new AbortController().signal;
    const outcome = await target?.invoke(event, limit).catch((error: unknown) => error);
    return { ...all, calls, outcome, limit };
  };

  it.each([{}, { IntegrationUri: FUNCTION }])('invokes its function: %j', async (how) => {
    const { outcome, calls, logged, limits, limit } = await invoke('midturnapi/live/message', 'é', how);
    expect(outcome).toEqual({ got: 'é' });
    expect(limits).toEqual([limit]);
    expect(calls).toEqual([['API Gateway', 'Invoke', true]]);
    expect(logged).toEqual([]);
  });

  it.each(['midturnapi/live/other', 'midturnapi/other/message', 'other/live/message'])(
    'does not invoke it where its policy allows %s alone',
    async (source) => {
      const { outcome, calls, invoked } = await invoke(source, 'é');
      expect(outcome).toBeInstanceOf(InvocationRefused);
      expect(String(outcome)).toContain('live/message');
      expect([calls, invoked]).toEqual([[['API Gateway', 'Invoke', false]], []]);
    },
  );

  it('whose function fails fails with it, and says so in the log', async () => {
    const { outcome, logged } = await invoke('midturnapi/live/message', 'fail');
    expect(outcome).toEqual(new Error('why'));
    expect(logged).toEqual([{ level: 'error', source: 'worker', text: 'why' }]);
  });
});

describe('an HTTP API of a template', () => {
  it('has its routes, with their parts, and none of the WebSocket API', async () => {
    const read = given(
      http({}, {}, { ...route('Default', '$default'), May: permission('http-http/*/POST/api/things/*') }),
    ).readHttp();
    expect(read).toMatchObject({ apiId: 'http-http', stage: '$default', region: 'us-east-1' });
    expect(read.routes).toMatchObject([
      { key: 'POST /api/things/{id}', method: 'POST', parts: ['api', 'things', '{id}'] },
    ]);
    const [things] = read.routes;
    expect(things).not.toHaveProperty('authorizer');
    expect(await things?.invoke('$default/POST/api/things/7')(1)).toEqual({ got: 1 });
    await expect(things?.invoke('$default/GET/api/things/7')(1)).rejects.toThrow(InvocationRefused);
    expect([read.cors, read.accepts]).toEqual([undefined, undefined]);
  });

  it.each<[Value | undefined, number]>([
    [undefined, 30_000],
    [30_000, 30_000],
    [30_001, 30_000],
    [50, 50],
  ])('has a route with the time limit %j: %i ms', (TimeoutInMillis, expected) => {
    const read = given(http(TimeoutInMillis === undefined ? {} : { TimeoutInMillis })).readHttp();
    expect(read.routes[0]?.timeoutMs).toBe(expected);
  });

  const Keys = (AuthorizerPayloadFormatVersion: string) =>
    resource('Authorizer', { AuthorizerUri: URI, AuthorizerPayloadFormatVersion });
  const by = { AuthorizerId: { Ref: 'Keys' } };

  it('asks its authorizer in its own name', async () => {
    const may = permission('http-http/authorizers/Keys');
    const [things] = given(http({}, by, { Keys: Keys('1.0'), May: may })).readHttp().routes;
    expect(await things?.authorizer?.('event')).toEqual({ got: 'event' });
  });

  it.each<[Resources, string]>([
    [http({ PayloadFormatVersion: '1.0' }), 'in the format 2.0 alone'],
    [http({}, by, { Keys: Keys('2.0') }), 'in the format 1.0 alone'],
  ])('is refused for a format of events that is not made here: %#', (resources, why) => {
    expect(given(resources).readHttp).toThrow(why);
  });

  it('has what it says of CORS, and the throttle of its stage', () => {
    const CorsConfiguration = {
      AllowOrigins: ['https://a.example'],
      AllowMethods: ['GET'],
      AllowHeaders: ['x-a'],
      ExposeHeaders: ['x-b'],
      MaxAge: '60',
    };
    const DefaultRouteSettings = { ThrottlingRateLimit: 1, ThrottlingBurstLimit: 2 };
    const read = given({
      ...http(),
      Http: resource('Api', { ProtocolType: 'HTTP', CorsConfiguration }),
      HttpStage: stage('$default', { DefaultRouteSettings }, 'Http'),
    }).readHttp();
    expect(read.cors).toEqual({
      origins: ['https://a.example'],
      methods: ['GET'],
      headers: ['x-a'],
      exposed: ['x-b'],
      maxAgeSeconds: 60,
    });
    expect([1, 2, 3].map(() => read.accepts?.())).toEqual([true, true, false]);
  });
});
