import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a function is called with to see how long its first call takes: the least that it has to do for one. */

const TOKEN = { session: 'acme#ann#session', lane: 'lane', slot: 'slot' };
const authorizer = { tenant: 'acme', subject: 'ann' };
const requestContext = { connectionId: 'connection', requestId: 'request', requestTimeEpoch: 0, authorizer };
const record = {
  messageId: 'message',
  receiptHandle: 'handle',
  body: JSON.stringify(TOKEN),
  attributes: {},
  messageAttributes: {},
};

/** By function. */
export const FIRST_EVENTS: Readonly<Record<string, unknown>> = {
  /** Without a token: refused. */
  authorizer: {
    headers: {},
    queryStringParameters: {},
    methodArn: 'arn:aws:execute-api:us-east-1:1:api/prod/$connect',
    requestContext: { identity: { sourceIp: '192.0.2.1' } },
  },
  connection: { requestContext: { ...requestContext, eventType: 'CONNECT' }, headers: {} },
  /** A frame of a connection that is gone. */
  inbound: { requestContext, body: '{"type":"ping"}' },
  /** A token of a slot that is over. */
  turn: { Records: [record] },
  deadline: { Records: [record] },
  redrive: { Records: [record] },
  /** Of nobody: refused. */
  send: {},
  /** How a session stands that is not there. */
  http: {
    routeKey: 'GET /api/sessions/{id}/state',
    pathParameters: { id: 'session' },
    requestContext: { requestId: 'request', authorizer: { lambda: authorizer } },
  },
};

/** Services in which there is nothing, and which take whatever comes. */
export async function emptyServices(): Promise<AsyncDisposable & { endpoint: string }> {
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const part of request) body += part;
    response.setHeader('content-type', 'application/x-amz-json-1.0');
    response.end(JSON.stringify(answerTo(String(request.headers['x-amz-target']), body)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function answerTo(target: string, body: string): unknown {
  if (target.endsWith('.UpdateItem')) return { Attributes: { entry: { N: '0' }, count: { N: '1' } } };
  if (target.endsWith('.Query')) return { Items: [], Count: 0 };
  if (target.endsWith('.SendMessage')) {
    const { MessageBody } = JSON.parse(body) as { MessageBody: string };
    // AWS's client compares it.
    return { MessageId: 'sent', MD5OfMessageBody: createHash('md5').update(MessageBody).digest('hex') };
  }
  return {};
}
