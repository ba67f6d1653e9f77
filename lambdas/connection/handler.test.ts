import type { Context } from 'aws-lambda';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { instrumentsOf } from '../../aws/cloudwatch/instruments.ts';
import { asConnectionId } from '../../core/ids.ts';
import { connectionKey } from '../../core/store/keys.ts';
import { givenAws } from '../../test/support/aws-stand-in.ts';
import { coreOf } from '../core-of.ts';

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

/** What the function answers to a handshake. Default: one on which no authorizer has spoken. */
async function connectWith(
  env: Record<string, string>,
  authorizer?: object,
  query: object = {},
): Promise<unknown> {
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  const { handler } = await import('./handler.ts');
  const requestContext = {
    eventType: 'CONNECT',
    requestId: 'r',
    connectionId: 'c',
    routeKey: '$connect',
    ...(authorizer && { authorizer }),
  };
  return handler(
    { requestContext, queryStringParameters: query, isBase64Encoded: false } as never,
    { awsRequestId: 'r' } as Context,
  );
}

it.each<[string, () => Record<string, string>]>([
  ['by default', () => ({})],
  ['on AWS, whatever the setting says', () => ({ MIDTURN_AUTHORIZER: 'false' })],
  ['on an emulator that was not told to do without', () => ({ AWS_ENDPOINT_URL: endpoint })],
])('P12: a handshake without an authorizer’s word is refused with 401: %s', async (_, env) => {
  expect(await connectWith(env())).toEqual({ statusCode: 401 });
});

describe('P12: on an emulator that was told to do without an authorizer', () => {
  const env = () => ({ MIDTURN_AUTHORIZER: 'false', AWS_ENDPOINT_URL: endpoint });
  const sessionOf = async () => {
    const core = coreOf(process.env, instrumentsOf(process.env, 'connection'));
    return (await core.store.get(connectionKey(asConnectionId('c'))))?.principal;
  };
  afterEach(async () => {
    await coreOf(process.env, instrumentsOf(process.env, 'connection')).store.delete(
      connectionKey(asConnectionId('c')),
    );
  });

  it('everybody is one principal', async () => {
    expect(await connectWith(env())).toEqual({ statusCode: 200 });
    expect(await sessionOf()).toEqual({ tenant: 'local', subject: 'anonymous' });
  });

  it('whoever an authorizer names all the same is that one', async () => {
    expect(await connectWith(env(), { tenant: 'acme', subject: 'ann' })).toEqual({ statusCode: 200 });
    expect(await sessionOf()).toEqual({ tenant: 'acme', subject: 'ann' });
  });
});

it('tells nobody later unless it was asked to', async () => {
  const authorizer = { tenant: 'acme', subject: 'ann' };
  expect(await connectWith({}, authorizer, { session_id: 's' })).toEqual({ statusCode: 200 });
  expect(aws.sent.filter(({ queue }) => queue === 'deadlines')).toEqual([]);
});

describe('an environment that starts', () => {
  it('wakes the turn function, once', async () => {
    await connectWith({});
    await connectWith({});
    expect(aws.sent).toMatchObject([{ queue: 'turns.fifo', body: '{"wake":true}', delaySeconds: undefined }]);
  });

  it('has sent that before it takes a handshake: a function that is frozen sends nothing', async () => {
    const sends = aws.hold('SendMessage');
    let isTaking = false;
    const started = import('./handler.ts').then(() => {
      isTaking = true;
    });
    // The environment is ready but for this message.
    await expect.poll(() => aws.asked('SendMessage')).toBe(1);
    await coreOf(process.env, instrumentsOf(process.env, 'connection')).store.get(
      connectionKey(asConnectionId('c')),
    );
    expect(isTaking).toBe(false);
    sends();
    await started;
    expect(aws.sent).toHaveLength(1);
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
