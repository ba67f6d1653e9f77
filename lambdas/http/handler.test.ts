import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import { afterEach, beforeAll, expect, it } from 'vitest';
import { HTTP_ROUTES } from '../../config/http-routes.ts';
import { givenAws } from '../../test/support/aws-stand-in.ts';

const LIMIT = 20;
const aws = givenAws({ MIDTURN_FRAMES_PER_MINUTE: String(LIMIT) });
let handle: (event: APIGatewayProxyEventV2, context: Context) => Promise<APIGatewayProxyStructuredResultV2>;
beforeAll(async () => {
  ({ handler: handle } = await import('./handler.ts'));
});
afterEach(() => aws.reset());

async function ask(subject: string | undefined, routeKey: string, more: object = {}) {
  const lambda = subject === undefined ? undefined : { tenant: 'acme', subject };
  const event = {
    routeKey,
    pathParameters: { id: 'one' },
    requestContext: { requestId: 'this-request', ...(lambda && { authorizer: { lambda } }) },
    ...more,
  };
  const answer = await handle(event as never, { awsRequestId: 'r' } as Context);
  return { ...answer, said: JSON.parse(answer.body ?? '') };
}
const MESSAGES = 'POST /api/sessions/{id}/messages';
const message = (id: string) => JSON.stringify({ id, content: 'Grüße' });

it('P1: a message is accepted, and its turn is sent to the queue, also if API Gateway has encoded it', async () => {
  const body = Buffer.from(message('m1')).toString('base64');
  const { statusCode, said } = await ask('ann', MESSAGES, { body, isBase64Encoded: true });
  expect([statusCode, said]).toMatchObject([202, { session_id: 'one', id: 'm1' }]);
  expect(aws.sent.map(({ queue }) => queue).toSorted()).toEqual(['deadlines', 'turns.fifo']);
});

it.each(HTTP_ROUTES)('P12: %s is answered 401 without a principal', async (route) => {
  expect(await ask(undefined, route, { body: message('m1') })).toMatchObject({ statusCode: 401 });
  expect(aws.asked('GetItem') + aws.asked('Query') + aws.asked('UpdateItem')).toBe(0);
});

it.each(HTTP_ROUTES)(
  'P10: %s that meets a failing table is answered 500 with the request by which the log names the cause, and the cause is not told',
  async (route) => {
    aws.refuse('GetItem');
    aws.refuse('Query');
    const { statusCode, body, said } = await ask(`fails ${route}`, route, { body: message('m1') });
    expect([statusCode, said]).toMatchObject([500, { error: { code: 'INTERNAL' } }]);
    expect(body).toContain('this-request');
    expect(body).not.toContain('AccessDenied');
    const errors = aws.logged.filter(({ level }) => level === 'ERROR');
    expect(errors).toMatchObject([{ message: 'request failed', requestId: 'this-request' }]);
  },
);

it('a route that there is none of is a failure of ours', async () => {
  expect(await ask('ann', 'PUT /api/sessions')).toMatchObject({ statusCode: 500 });
});

it.each(HTTP_ROUTES)('%s that cannot be counted is asked for again in a second', async (route) => {
  aws.refuse('UpdateItem');
  const answer = await ask(`uncounted ${route}`, route, { body: message('m1') });
  expect(answer).toMatchObject({ statusCode: 429, headers: { 'retry-after': '1' } });
  expect(answer.said.error).toMatchObject({ code: 'RATE_LIMITED', retryAfterMs: 1000 });
});

it('a request over the rate is told when the next one is taken: in whole seconds, and never too early', async () => {
  for (let n = 0; n < LIMIT; n++) await ask('busy', 'POST /api/sessions/{id}/abort');
  const { statusCode, headers, said } = await ask('busy', 'POST /api/sessions/{id}/abort');
  expect([statusCode, said.error.code]).toEqual([429, 'RATE_LIMITED']);
  const early = said.error.retryAfterMs - 1000 * Number(headers?.['retry-after']);
  expect(early).toBeLessThanOrEqual(0);
  expect(early).toBeGreaterThan(-1000);
});
