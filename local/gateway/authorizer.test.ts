import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { HandshakeRefused } from '../../protocol/waiting-client.ts';
import { around, textOfBytes } from '../../test/support/text.ts';
import { connect } from '../../test/support/ws-client.ts';
import type { AuthorizerEvent, ConnectEvent, DisconnectEvent, MessageEvent } from './events.ts';
import { gate, ok, recorder, recording, startGateway } from './test-gateway.ts';
import type { Invoke } from './types.ts';

const ARN = 'arn:aws:execute-api:eu-central-1:123456789012:abc123def4/local/$connect';

function policy(effect: 'Allow' | 'Deny', resource = ARN) {
  return {
    Version: '2012-10-17',
    Statement: [{ Action: 'execute-api:Invoke', Effect: effect, Resource: resource }],
  };
}

function allow(fields: object = {}): Invoke {
  return async () => ({ principalId: 'tenant/subject', policyDocument: policy('Allow'), ...fields });
}

async function start(invoke: Invoke, identitySources: string[] = []) {
  const connects = recorder<ConnectEvent>();
  const messages = recorder<MessageEvent>();
  const disconnects = recorder<DisconnectEvent>();
  const started = await startGateway({
    routes: {
      $connect: recording(connects),
      $default: recording(messages),
      $disconnect: recording(disconnects),
    },
    authorizer: { invoke, identitySources },
  });
  return { ...started, connects, messages, disconnects };
}

async function statusOf(url: string, headers: Record<string, string> = {}): Promise<number> {
  try {
    await connect(url, { headers });
    return 101;
  } catch (error) {
    if (error instanceof HandshakeRefused) return error.statusCode;
    throw error;
  }
}

describe('a REQUEST authorizer', () => {
  it('gets the event in the shape that AWS documents', async () => {
    const events = recorder<AuthorizerEvent>();
    const { url, connects } = await start(async (event) => {
      events.take(event as AuthorizerEvent);
      return allow()(event);
    });
    await connect(`${url}?token=t`, { headers: { HeaderAuth1: 'headerValue1', 'User-Agent': 'a test' } });
    const event = await events.at(0);
    expect(event).toEqual({
      type: 'REQUEST',
      methodArn: ARN,
      headers: expect.objectContaining({ HeaderAuth1: 'headerValue1' }),
      multiValueHeaders: expect.objectContaining({ HeaderAuth1: ['headerValue1'] }),
      queryStringParameters: { token: 't' },
      multiValueQueryStringParameters: { token: ['t'] },
      stageVariables: {},
      requestContext: expect.objectContaining({
        routeKey: '$connect',
        eventType: 'CONNECT',
        messageDirection: 'IN',
        stage: 'local',
        apiId: 'abc123def4',
        identity: { userAgent: 'a test', sourceIp: '127.0.0.1' },
      }),
    });
    const { requestContext } = await connects.at(0);
    expect(event.requestContext.connectionId).toBe(requestContext.connectionId);
    expect(event.requestContext.requestId).toBe(requestContext.requestId);
  });

  it('speaks for the connection in every later event, with its context as strings', async () => {
    const { url, connects, messages, disconnects } = await start(
      allow({ context: { tenant: 'acme', level: 3, admin: true, note: null } }),
    );
    const client = await connect(url);
    client.sendRaw('hello');
    await messages.at(0);
    await client.close();
    for (const event of [await connects.at(0), await messages.at(0), await disconnects.at(0)]) {
      expect(event.requestContext.authorizer).toEqual({
        principalId: 'tenant/subject',
        integrationLatency: expect.any(Number),
        tenant: 'acme',
        level: '3',
        admin: 'true',
        note: null,
      });
    }
  });

  it('P12: cannot be taken for another principal by what its context says', async () => {
    const { url, connects } = await start(
      allow({ context: { principalId: 'other/subject', integrationLatency: 'x', tenant: 'acme' } }),
    );
    await connect(url);
    expect((await connects.at(0)).requestContext.authorizer).toEqual({
      principalId: 'tenant/subject',
      integrationLatency: expect.any(Number),
      tenant: 'acme',
    });
  });

  it.each([
    ['a Deny', { policyDocument: policy('Deny') }],
    ['an Allow for something else', { policyDocument: policy('Allow', `${ARN}/other`) }],
  ])('refuses with 403 on %s', async (_what, fields) => {
    const { url, connects } = await start(allow(fields));
    expect(await statusOf(url)).toBe(403);
    expect(connects.taken).toEqual([]);
  });

  it('refuses with 401 when it throws Unauthorized', async () => {
    const { url, connects } = await start(async () => {
      throw new Error('Unauthorized');
    });
    expect(await statusOf(url)).toBe(401);
    expect(connects.taken).toEqual([]);
  });

  it('refuses with 500 when it throws anything else', async () => {
    const { url, logs } = await start(async () => {
      throw new Error('no key set');
    });
    expect(await statusOf(url)).toBe(500);
    expect(logs).toEqual([expect.stringContaining('no key set')]);
  });

  it('refuses with 500 when it does not answer within 29 s, and its later failure is in the log', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const asked = recorder<unknown>();
    const failing = gate();
    const { url, connects, logs } = await start(async (event) => {
      asked.take(event);
      await failing.opened;
      throw new Error('too late');
    });
    const status = statusOf(url);
    await asked.at(0);
    await vi.advanceTimersByTimeAsync(28_999);
    expect(logs).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(logs).toHaveLength(1);
    expect(await status).toBe(500);
    expect(connects.taken).toEqual([]);
    failing.open();
    await vi.advanceTimersByTimeAsync(0);
    expect(logs).toContainEqual(expect.stringContaining('too late'));
  });

  const MAX_BYTES = 8 * 1024;
  it.each(['x', 'é', '€', '😀'])('takes 8 KB of JSON whatever its letters: %s', async (letter) => {
    const empty = { principalId: 'p', policyDocument: policy('Allow'), context: { big: '' } };
    for (const bytes of around(MAX_BYTES)) {
      const big = textOfBytes(bytes - Buffer.byteLength(JSON.stringify(empty)), letter);
      const { url } = await start(async () => ({ ...empty, context: { big } }));
      expect(await statusOf(url)).toBe(bytes <= MAX_BYTES ? 101 : 500);
    }
  });

  it.each([
    ['no object', async () => 'allow'],
    ['no principal', allow({ principalId: undefined })],
    ['no policy', allow({ policyDocument: undefined })],
    ['an object in the context', allow({ context: { claims: { sub: 'x' } } })],
    ['a list in the context', allow({ context: { groups: ['a'] } })],
    ['a context that is no object', allow({ context: 'x' })],
  ] satisfies [string, Invoke][])('refuses with 500 when it returns %s', async (_what, invoke) => {
    const { url, connects } = await start(invoke);
    expect(await statusOf(url)).toBe(500);
    expect(connects.taken).toEqual([]);
  });

  it.each([
    ['route.request.header.Authorization', '', { authorization: 'Bearer t' }],
    ['route.request.header.authorization', '', { AUTHORIZATION: 'Bearer t' }],
    ['context.connectedAt', '', {}],
    ['route.request.querystring.token', '?token=t', {}],
    ['context.identity.sourceIp', '', {}],
  ])('is asked only where the identity source %s has a value', async (source, query, headers) => {
    const { url } = await start(allow(), [source, 'route.request.header.X-Second']);
    expect(await statusOf(url + query, { ...headers, 'x-second': 'there' })).toBe(101);
    expect(await statusOf(url + query, { ...headers })).toBe(401);
  });

  it.each([
    'route.request.header.Authorization',
    'route.request.querystring.token',
    'stageVariables.key',
    // What every object has is no value of a request.
    'route.request.querystring.constructor',
  ])('refuses with 401 unasked when %s is missing or empty', async (source) => {
    const events = recorder<AuthorizerEvent>();
    const { url } = await start(
      async (event) => {
        events.take(event as AuthorizerEvent);
        return allow()(event);
      },
      [source],
    );
    expect(await statusOf(url)).toBe(401);
    expect(await statusOf(`${url}?token=`, { Authorization: '' })).toBe(401);
    expect(events.taken).toEqual([]);
  });

  it('admits without a $connect route too', async () => {
    const { url } = await startGateway({
      routes: { $default: ok },
      authorizer: { invoke: allow(), identitySources: [] },
    });
    expect(await statusOf(url)).toBe(101);
  });
});
