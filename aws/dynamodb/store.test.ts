import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import type { Key } from '../../core/store/keys.ts';
import { dynamoStore } from './store.ts';

const running: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((stop) => stop()));
});

interface Asked {
  operation: string;
  request: Record<string, unknown>;
}

/** The real client against a table that answers so. */
async function given(answer: (asked: Asked) => { status: number; body: object }) {
  const all: Asked[] = [];
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const part of request) text += part;
    const operation = String(request.headers['x-amz-target']).split('.')[1] ?? '';
    const asked = { operation, request: JSON.parse(text) };
    all.push(asked);
    const { status, body } = answer(asked);
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify(body));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  running.push(
    () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  const store = dynamoStore('table', {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  });
  return { store, all };
}

const KEY: Key<object> = { pk: 'a', sk: 'b' };

it('P8: every read is consistent, of each page: the core decides by what it reads', async () => {
  const { store, all } = await given(({ operation, request }) => ({
    status: 200,
    body:
      operation === 'Query' && !request.ExclusiveStartKey
        ? { Items: [], LastEvaluatedKey: { pk: { S: 'a' } } }
        : {},
  }));
  await store.get(KEY);
  await store.query(KEY, KEY);
  await store.query(KEY, KEY, { backwards: true, limit: 1 });
  await store.keys(KEY, KEY, 1);
  expect(all.map(({ operation }) => operation)).toEqual(['GetItem', ...Array(6).fill('Query')]);
  for (const { request } of all) expect(request).toMatchObject({ ConsistentRead: true });
});

it('keys are read without the items, which may be long, and as many as are asked for over pages', async () => {
  const page = (from: number, count: number) =>
    Array.from({ length: count }, (_, n) => ({ pk: { S: 'a' }, sk: { S: String(from + n) } }));
  const { store, all } = await given(({ request }) => ({
    status: 200,
    body: request.ExclusiveStartKey
      ? { Items: page(3, 2), LastEvaluatedKey: { pk: { S: 'a' }, sk: { S: '4' } } }
      : { Items: page(0, 3), LastEvaluatedKey: { pk: { S: 'a' }, sk: { S: '2' } } },
  }));
  expect(await store.keys(KEY, KEY, 5)).toEqual([0, 1, 2, 3, 4].map((n) => ({ pk: 'a', sk: String(n) })));
  expect(all.map(({ request }) => [request.ProjectionExpression, request.Limit])).toEqual([
    ['pk, sk', 5],
    ['pk, sk', 2],
  ]);
});

it.each(['ProvisionedThroughputExceededException', 'ThrottlingException', 'InternalServerError'])(
  'P8: a write that fails in %s fails: it is not taken for one whose condition did not hold',
  async (name) => {
    const { store } = await given(() => ({
      status: 400,
      body: { __type: `com.amazonaws.dynamodb.v20120810#${name}` },
    }));
    await expect(store.update(KEY, { when: [], change: [] })).rejects.toMatchObject({ name });
    await expect(store.putIfAbsent(KEY, {})).rejects.toMatchObject({ name });
  },
);

it('a write whose condition did not hold is refused, without an error', async () => {
  const body = { __type: 'com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException' };
  const { store } = await given(() => ({ status: 400, body }));
  expect(await store.update(KEY, { when: [], change: [] })).toEqual({ ok: false });
  expect(await store.putIfAbsent(KEY, {})).toBe(false);
});
