import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { instrumentsOf } from '../../aws/cloudwatch/instruments.ts';
import { HTTP_ROUTES } from '../../config/http-routes.ts';
import { epochMs, epochSeconds } from '../../config/units.ts';
import { asLaneId, asMessageId, asSessionId, asTurnId } from '../../core/ids.ts';
import { entryKey, laneKey, listingKey, sessionKey, sessionOf } from '../../core/store/keys.ts';
import { givenAws } from '../../test/support/aws-stand-in.ts';
import { coreOf } from '../core-of.ts';

const LIMIT = 30;
const ONE = asSessionId('one');
const aws = givenAws({ MIDTURN_FRAMES_PER_MINUTE: String(LIMIT) });
let handle: (event: APIGatewayProxyEventV2, context: Context) => Promise<APIGatewayProxyStructuredResultV2>;
beforeAll(async () => {
  ({ handler: handle } = await import('./handler.ts'));
});
afterEach(() => aws.reset());

const core = () => coreOf(process.env, instrumentsOf(process.env, 'http'));

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

it.each([true, false])('the words of a message are kept, in base64 or not: %s', async (isBase64Encoded) => {
  const subject = `words ${isBase64Encoded}`;
  const body = Buffer.from(message('m1')).toString(isBase64Encoded ? 'base64' : 'utf8');
  await ask(subject, MESSAGES, { body, isBase64Encoded });
  const lane = await core().store.get(laneKey(sessionOf({ tenant: 'acme', subject }, ONE), asLaneId('http')));
  expect(JSON.stringify(lane)).toContain('"Grüße"');
});

describe('the transcript', () => {
  const HISTORY = 'GET /api/sessions/{id}/messages';
  const principal = { tenant: 'acme', subject: 'reader' };
  const session = sessionOf(principal, ONE);
  const read = (queryStringParameters?: Record<string, string>) =>
    ask(principal.subject, HISTORY, { queryStringParameters });
  beforeAll(async () => {
    const { store } = core();
    await ask(principal.subject, MESSAGES, { body: message('m1') });
    const item = await store.get(sessionKey(session));
    if (!item) throw new Error('no session');
    const ofTurn = { turn: asTurnId('t'), first: 1, expires: item.expires };
    const said = { role: 'assistant' as const, ...ofTurn };
    await store.put(entryKey(session, 1), {
      ...ofTurn,
      n: 1,
      role: 'user',
      id: asMessageId('m0'),
      content: 'hello',
      at: epochMs(1),
      step: 1,
    });
    await store.put(entryKey(session, 2), { ...said, n: 2, content: 'Hi ' });
    await store.put(entryKey(session, 3), { ...said, n: 3, content: 'there.' });
    await store.put(sessionKey(session), { ...item, entry: 3 });
  });

  it('is read in pages, each from the next of the one before', async () => {
    const first = await read({ limit: '2', merged: 'false' });
    expect([first.statusCode, first.said]).toMatchObject([
      200,
      { session_id: 'one', session_persistence: true, messages: [{ n: 2 }, { n: 3 }], next: 2 },
    ]);
    const second = await read({ before: '2', limit: '2', merged: 'false' });
    expect(second.said.messages).toMatchObject([{ n: 1, content: 'hello' }]);
    expect(second.said).not.toHaveProperty('next');
    expect(first.headers).toEqual({ 'content-type': 'application/json', 'cache-control': 'no-store' });
  });

  it('has one answer for each turn, unless all of its parts are asked for', async () => {
    const contents = async (query?: Record<string, string>) =>
      (await read(query)).said.messages.map(({ content }: { content: string }) => content);
    expect(await contents()).toEqual(['hello', 'Hi there.']);
    expect(await contents({ merged: 'true' })).toEqual(['hello', 'Hi there.']);
    expect(await contents({ merged: 'false' })).toEqual(['hello', 'Hi ', 'there.']);
  });

  it('from a number of many digits on is the whole of it', async () => {
    expect((await read({ before: '123456789012345' })).said.messages).toHaveLength(2);
  });

  it.each([
    { limit: '0' },
    { limit: 'all' },
    { limit: '1e1' },
    { limit: '' },
    { before: '-1' },
    { before: '1234567890123456' },
    { merged: 'TRUE' },
  ])('is refused where it is asked for in other words: %o', async (query) => {
    const { statusCode, said } = await ask(JSON.stringify(query), HISTORY, { queryStringParameters: query });
    expect([statusCode, said.error.code]).toEqual([400, 'INVALID_FRAME']);
  });
});

describe('the list of sessions', () => {
  const LIST = 'GET /api/sessions';
  const principal = { tenant: 'acme', subject: 'owner' };
  const list = (queryStringParameters?: Record<string, string>) =>
    ask(principal.subject, LIST, { queryStringParameters });
  const ids = ({ said }: Awaited<ReturnType<typeof list>>) =>
    said.sessions.map(({ session_id }: { session_id: string }) => session_id);
  beforeAll(async () => {
    const { store } = core();
    for (const [at, id] of ['old', 'new'].entries()) {
      await ask(principal.subject, MESSAGES, { body: message('m1'), pathParameters: { id } });
      const sessionId = asSessionId(id);
      const key = sessionKey(sessionOf(principal, sessionId));
      const item = await store.get(key);
      if (!item) throw new Error('no session');
      const created = epochMs(item.created + at);
      await store.put(key, { ...item, created, name: `The ${id} one` });
      await store.put(listingKey(principal, { created, sessionId }), {
        created,
        sessionId,
        expires: epochSeconds(item.expires),
      });
    }
  });

  it('is read in pages, newest first', async () => {
    const first = await list({ limit: '1' });
    expect([first.statusCode, ids(first)]).toEqual([200, ['new']]);
    const second = await list({ limit: '1', after: first.said.next });
    expect(ids(second)).toEqual(['old']);
    expect(second.said).not.toHaveProperty('next');
  });

  it('has those whose names have the words, and refuses a limit that is none', async () => {
    expect(ids(await list({ query: 'OLD' }))).toEqual(['old']);
    expect(ids(await list())).toEqual(['new', 'old']);
    expect((await list({ limit: 'many' })).said.error.code).toBe('INVALID_FRAME');
  });
});

it('P1: a message that was withdrawn before it came again is answered so, and is no error', async () => {
  const subject = 'hasty';
  await ask(subject, MESSAGES, { body: message('m1') });
  const abort = 'POST /api/sessions/{id}/abort';
  const body = JSON.stringify({ pending: 'discard' });
  expect(await ask(subject, abort, { body })).toMatchObject({ statusCode: 202, said: { status: 'aborted' } });
  expect(await ask(subject, abort, { body: '' })).toMatchObject({
    said: { error: { code: 'NO_ACTIVE_TURN' } },
  });
  const again = await ask(subject, MESSAGES, { body: message('m1') });
  expect([again.statusCode, again.said]).toMatchObject([
    200,
    { session_id: 'one', cancelled: true, ids: ['m1'] },
  ]);
});

it('P12: a session is deleted once, and nobody reads it afterwards', async () => {
  await ask('gone', MESSAGES, { body: message('m1') });
  const deletion = 'DELETE /api/sessions/{id}';
  expect(await ask('other', deletion)).toMatchObject({ statusCode: 404 });
  expect(await ask('gone', deletion)).toMatchObject({
    statusCode: 200,
    said: { session_id: 'one', deleted: true },
  });
  expect((await ask('gone', 'GET /api/sessions/{id}/state')).statusCode).toBeGreaterThanOrEqual(404);
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
    expect(aws.measured).toMatchObject([
      { function: 'http', CaughtErrors: 1 },
      { code: 'INTERNAL', Refused: 1 },
    ]);
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
