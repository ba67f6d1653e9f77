import type { APIGatewayProxyResultV2, APIGatewayProxyWebsocketEventV2, Context } from 'aws-lambda';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { instrumentsOf } from '../../aws/cloudwatch/instruments.ts';
import { epochSeconds } from '../../config/units.ts';
import { asConnectionId, asSessionId } from '../../core/ids.ts';
import { registerConnection } from '../../core/inbound/connection-lifecycle.ts';
import { givenAws } from '../../test/support/aws-stand-in.ts';
import { coreOf } from '../core-of.ts';

const aws = givenAws({ MIDTURN_FRAMES_PER_MINUTE: '3' });
let handle: (event: APIGatewayProxyWebsocketEventV2, context: Context) => Promise<APIGatewayProxyResultV2>;
beforeAll(async () => {
  ({ handler: handle } = await import('./handler.ts'));
});

let tests = 0;
let connection = asConnectionId('');
let subject = '';
/** Each test has a connection and a principal of its own. */
beforeEach(async () => {
  connection = asConnectionId(`c${++tests}`);
  subject = `ann-${tests}`;
  const core = coreOf(process.env, instrumentsOf(process.env, 'connection'));
  await registerConnection(core, connection, {
    principal: { tenant: 'acme', subject },
    sessionId: asSessionId('one'),
  });
});
afterEach(() => aws.reset());

/** What the function answers to a frame. */
function frame(body: string | undefined, authorizer: object = { tenant: 'acme', subject }, at = Date.now()) {
  const requestContext = {
    connectionId: connection,
    requestId: 'request-of-this-frame',
    requestTimeEpoch: at,
    authorizer,
  };
  return handle(
    { requestContext, ...(body !== undefined && { body }) } as never,
    { awsRequestId: 'r' } as Context,
  );
}
const message = (id: string) => JSON.stringify({ type: 'message', id, content: 'hello' });
const framesOf = (type: string) => aws.posted.map(({ frame }) => frame).filter((one) => one.type === type);

it('P2: a message is accepted, and its turn is sent to the queue', async () => {
  expect(await frame(message('m1'))).toEqual({ statusCode: 200 });
  expect(framesOf('accepted')).toMatchObject([{ id: 'm1' }]);
  expect(aws.sent.map(({ queue }) => queue).toSorted()).toEqual(['deadlines', 'turns.fifo']);
});

it.each([
  [undefined, 'INVALID_JSON'],
  ['', 'INVALID_JSON'],
  ['no JSON', 'INVALID_JSON'],
  ['null', 'INVALID_JSON'],
  ['{}', 'UNKNOWN_MESSAGE_TYPE'],
  ['{"type":"message"}', 'INVALID_FRAME'],
])('P10: a frame that is none (%j) is answered %s, which the client can read', async (body, code) => {
  expect(await frame(body)).toEqual({ statusCode: 200 });
  expect(framesOf('error')).toMatchObject([{ code }]);
  expect(aws.sent).toEqual([]);
});

describe('P10: a frame that cannot be handled', () => {
  it('is answered INTERNAL with the request by which the log names the cause, and the cause itself is not told', async () => {
    aws.refuse('GetItem');
    expect(await frame(message('m1'))).toEqual({ statusCode: 500 });
    const [error] = framesOf('error');
    expect(error).toMatchObject({ code: 'INTERNAL' });
    expect(JSON.stringify(error)).toContain('request-of-this-frame');
    expect(JSON.stringify(error)).not.toContain('AccessDenied');
    expect(aws.posted.map((one) => one.connection)).toEqual([connection]);
    expect(aws.logged.filter(({ level }) => level === 'ERROR')).toMatchObject([
      {
        message: 'frame failed',
        requestId: 'request-of-this-frame',
        connectionId: connection,
        stack: expect.any(String),
      },
    ]);
    expect(aws.measured).toMatchObject([{ function: 'inbound', CaughtErrors: 1 }, { code: 'INTERNAL' }]);
  });

  it('because its turn cannot be sent is not accepted', async () => {
    aws.refuse('SendMessage');
    expect(await frame(message('m1'))).toEqual({ statusCode: 500 });
    expect(framesOf('accepted')).toEqual([]);
    expect(framesOf('error')).toMatchObject([{ code: 'INTERNAL' }]);
  });
});

it.each([
  ['within a minute of its token’s end', 59_000, 'accepted'],
  ['later', 61_000, 'error'],
])('P12: a frame is judged by when API Gateway received it, in milliseconds: %s', async (_, late, answer) => {
  const ended = 1_700_000_000;
  await registerConnection(
    coreOf(process.env, instrumentsOf(process.env, 'connection')),
    asConnectionId('e'),
    {
      principal: { tenant: 'acme', subject },
      sessionId: asSessionId('one'),
      tokenExpires: epochSeconds(ended),
    },
  );
  connection = asConnectionId('e');
  await frame(message('m1'), undefined, ended * 1000 + late);
  expect(aws.posted.map(({ frame: { type } }) => type)).toContain(answer);
  expect(framesOf('error').map(({ code }) => code)).toEqual(answer === 'error' ? ['TOKEN_EXPIRED'] : []);
});

describe('the rate', () => {
  const refusals = () => framesOf('error').map(({ code }) => code);

  it('is counted for whom the authorizer named', async () => {
    for (let n = 0; n < 5; n++) await frame('{}');
    expect(refusals().filter((code) => code === 'RATE_LIMITED')).toHaveLength(2);
  });

  it('of clients that share a principal is counted by address, and without an address not at all', async () => {
    const shared = { tenant: 'acme', subject, shared: 'true' };
    for (let n = 0; n < 5; n++) await frame('{}', shared);
    expect(refusals()).not.toContain('RATE_LIMITED');
    for (let n = 0; n < 5; n++) await frame('{}', { ...shared, address: `192.0.2.${tests}` });
    expect(refusals().filter((code) => code === 'RATE_LIMITED')).toHaveLength(2);
  });
});
