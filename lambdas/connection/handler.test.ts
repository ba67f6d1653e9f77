import type { Context } from 'aws-lambda';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { givenAws } from '../../test/support/aws-stand-in.ts';

const aws = givenAws();
let endpoint = '';
let turnQueue = '';
beforeEach(() => {
  vi.resetModules();
  endpoint = process.env.AWS_ENDPOINT_URL || endpoint;
  turnQueue ||= process.env.MIDTURN_TURN_QUEUE_URL ?? '';
  vi.stubEnv('MIDTURN_TURN_QUEUE_URL', turnQueue);
  // As on AWS, where no variable names an endpoint of all services.
  vi.stubEnv('AWS_ENDPOINT_URL', '');
  for (const service of ['DYNAMODB', 'SQS']) vi.stubEnv(`AWS_ENDPOINT_URL_${service}`, endpoint);
  vi.stubEnv('MIDTURN_AUTHORIZER', undefined);
  aws.reset();
});

/** What the function answers to a handshake on which no authorizer has spoken. */
async function connectWith(env: Record<string, string>): Promise<unknown> {
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  const { handler } = await import('./handler.ts');
  const requestContext = { eventType: 'CONNECT', requestId: 'r', connectionId: 'c', routeKey: '$connect' };
  return handler({ requestContext, isBase64Encoded: false } as never, { awsRequestId: 'r' } as Context);
}

it.each<[string, () => Record<string, string>]>([
  ['by default', () => ({})],
  ['on AWS, whatever the setting says', () => ({ MIDTURN_AUTHORIZER: 'false' })],
  ['on an emulator that was not told to do without', () => ({ AWS_ENDPOINT_URL: endpoint })],
])('P12: a handshake without an authorizer’s word is refused with 401: %s', async (_, env) => {
  expect(await connectWith(env())).toEqual({ statusCode: 401 });
});

describe('an environment that starts', () => {
  it('wakes the turn function, once', async () => {
    await connectWith({});
    await connectWith({});
    expect(aws.sent).toEqual([{ queue: 'turns.fifo', body: '{"wake":true}', delaySeconds: undefined }]);
  });

  it('wakes nobody while a deployment has not told it the queue yet', async () => {
    expect(await connectWith({ MIDTURN_TURN_QUEUE_URL: '' })).toEqual({ statusCode: 401 });
    expect([aws.sent, aws.logged]).toEqual([[], []]);
  });

  it('answers handshakes also if it cannot, and says so', async () => {
    aws.refuse('SendMessage');
    expect(await connectWith({})).toEqual({ statusCode: 401 });
    expect(aws.logged).toMatchObject([{ level: 'WARN', message: 'the turn function was not woken' }]);
  });
});
