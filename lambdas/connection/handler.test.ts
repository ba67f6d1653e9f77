import type { Context } from 'aws-lambda';
import { afterEach, expect, it, vi } from 'vitest';

/** Nothing answers there: a handshake that gets as far as the table fails. */
const NO_TABLE = 'http://127.0.0.1:9';

afterEach(() => {
  vi.unstubAllEnvs();
  vi.resetModules();
});

/** What the function answers to a handshake on which no authorizer has spoken. */
async function connectWith(env: Record<string, string>): Promise<unknown> {
  vi.stubEnv('MIDTURN_TABLE_NAME', 'table');
  vi.stubEnv('MIDTURN_STACK', 'Midturn');
  vi.stubEnv('AWS_REGION', 'us-east-1');
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  const { handler } = await import('./handler.ts');
  const requestContext = { eventType: 'CONNECT', requestId: 'r', connectionId: 'c', routeKey: '$connect' };
  return handler({ requestContext, isBase64Encoded: false } as never, { awsRequestId: 'r' } as Context);
}

it.each<[string, Record<string, string>]>([
  ['by default', {}],
  ['on AWS, whatever the setting says', { MIDTURN_AUTHORIZER: 'false' }],
  ['on an emulator that was not told to do without', { AWS_ENDPOINT_URL: NO_TABLE }],
])('P12: a handshake without an authorizer’s word is refused with 401: %s', async (_, env) => {
  expect(await connectWith(env)).toEqual({ statusCode: 401 });
});
