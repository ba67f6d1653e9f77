import type { Context } from 'aws-lambda';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTraces } from '../local/xray.ts';
import { givenAws } from '../test/support/aws-stand-in.ts';
import { type SentSpan, spansIn } from '../test/support/spans.ts';

/** What functions beside `inbound` and `turn` send to X-Ray of a request that it records. */

const traces = await startTraces();
const spans: SentSpan[] = [];
traces.listen((datagram) => spans.push(...spansIn(datagram)));
const header = traces.header() ?? '';
const aws = givenAws({ AWS_XRAY_DAEMON_ADDRESS: traces.daemon, _X_AMZN_TRACE_ID: header });
afterAll(() => traces.close());

const context = { awsRequestId: 'r' } as Context;
const traceOf = (text: string) => text.slice('Root=1-'.length).split(';')[0]?.replace('-', '');
let handlers: Record<'http' | 'send' | 'deadline', (event: unknown, context: Context) => Promise<unknown>>;
beforeAll(async () => {
  const [http, send, deadline] = await Promise.all([
    import('./http/handler.ts'),
    import('./send/handler.ts'),
    import('./deadline/handler.ts'),
  ]);
  handlers = { http: http.handler, send: send.handler, deadline: deadline.handler } as typeof handlers;
});

/** The one span of an invocation. */
async function spanOf(name: keyof typeof handlers, event: unknown): Promise<SentSpan> {
  spans.length = 0;
  await handlers[name](event, context);
  await expect.poll(() => spans.length).toBe(1);
  return spans[0] as SentSpan;
}

it('a request of the HTTP API has its route and its status, and nothing of whom it is about', async () => {
  const span = await spanOf('http', {
    routeKey: 'GET /api/sessions/{id}/state',
    pathParameters: { id: 'xyzzy' },
    requestContext: { authorizer: { lambda: { tenant: 'acme', subject: 'xyzzy' } } },
  });
  expect(span).toMatchObject({
    name: 'GET /api/sessions/{id}/state',
    kind: 'server',
    traceId: traceOf(header),
    isError: false,
    attributes: {
      'faas.trigger': 'http',
      'http.request.method': 'GET',
      'http.route': '/api/sessions/{id}/state',
      'http.response.status_code': 404,
    },
  });
  expect(JSON.stringify(span.attributes)).not.toContain('xyzzy');
});

it('a request that fails is one with an error', async () => {
  aws.refuse('Query');
  const span = await spanOf('http', {
    routeKey: 'GET /api/sessions',
    requestContext: { authorizer: { lambda: { tenant: 'acme', subject: 'xyzzy' } } },
  });
  aws.reset();
  expect(span).toMatchObject({
    name: 'GET /api/sessions',
    isError: true,
    attributes: { 'http.response.status_code': 500, 'error.type': '500' },
  });
});

it('a message of the application has one', async () => {
  const event = { subject: 'ada', session_id: 's', id: 'm', content: 'xyzzy' };
  expect(await spanOf('send', event)).toMatchObject({
    name: 'send',
    kind: 'server',
    attributes: { 'faas.trigger': 'other' },
  });
});

it.each([
  ['deletion', { deletion: { session: 'acme#ada#gone', at: 1, until: 2 } }],
  ['replay', { replay: { connection: 'c', mark: 1 } }],
  ['greeting', { greeting: { connection: 'c' } }],
  ['fork', { fork: { session: 'acme#ada#gone', connection: 'c' } }],
  ['time limit', { session: 'acme#ada#gone', lane: 'l', slot: 't' }],
])('work of the delay queue is named %s, in the trace of what asked for it', async (name, message) => {
  const AWSTraceHeader = traces.header() ?? '';
  const body = JSON.stringify(message);
  const record = { messageId: '1', receiptHandle: 'r', body, attributes: { AWSTraceHeader } };
  expect(await spanOf('deadline', { Records: [record] })).toMatchObject({
    name: `deadline ${name}`,
    traceId: traceOf(AWSTraceHeader),
    attributes: { 'faas.trigger': 'pubsub' },
  });
});
