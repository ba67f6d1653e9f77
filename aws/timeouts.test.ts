import { createHash } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { asConnectionId, asLaneId, asSessionKey, asSlotId } from '../core/ids.ts';
import { laneKey } from '../core/store/keys.ts';
import { stopListening } from '../core/store/lane/connection.ts';
import { dynamoStore } from './dynamodb/store.ts';
import { sqsQueues } from './sqs/queues.ts';
import { CONNECTIONS_CLIENT, SERVICE_TIMEOUTS, within } from './timeouts.ts';

const running: (() => Promise<void>)[] = [];
afterAll(async () => {
  await Promise.all(running.splice(0).map((stop) => stop()));
});

type Answer = (response: ServerResponse) => void;

/** Takes the request and never answers it, as when the answer is lost on the way. */
const lost: Answer = () => {};
const throttled: Answer = (response) => {
  const body = JSON.stringify({ __type: 'com.amazonaws.dynamodb.v20120810#ThrottlingException' });
  response.writeHead(400, { 'content-type': 'application/x-amz-json-1.0' }).end(body);
};
const refused: Answer = (response) => {
  const body = JSON.stringify({ __type: 'com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException' });
  response.writeHead(400, { 'content-type': 'application/x-amz-json-1.0' }).end(body);
};
const fine =
  (body: unknown): Answer =>
  (response) => {
    response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify(body));
  };

/** The real clients against a service that answers so, one request after the other. */
async function given(...answers: Answer[]) {
  let requests = 0;
  const server = createServer((request, response) => {
    request.resume();
    const answer = answers[requests++];
    if (answer) answer(response);
    else response.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  running.push(
    () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const config = {
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  };
  return {
    store: dynamoStore('midturn', config),
    queues: sqsQueues(`${endpoint}/0/turns.fifo`, `${endpoint}/0/deadlines`, config),
    asked: () => requests,
  };
}

const LANE = laneKey(asSessionKey('s'), asLaneId('l'));

describe.concurrent('a call whose answer is lost', () => {
  it('is made again: a read', async () => {
    const { store, asked } = await given(lost, fine({ Item: { pk: { S: 'SESSION#s' }, seq: { N: '7' } } }));
    expect(await store.get(LANE)).toMatchObject({ seq: 7 });
    expect(asked()).toBe(2);
  });

  it('is made again: a write, whose repeat can be refused because it took effect', async () => {
    const { store, asked } = await given(lost, refused);
    expect(await store.update(LANE, stopListening(asConnectionId('c')))).toEqual({ ok: false });
    expect(asked()).toBe(2);
  });

  it('is made again: a token that is sent', async () => {
    const token = { session: asSessionKey('s'), lane: asLaneId('l'), slot: asSlotId('t') };
    const MD5OfMessageBody = createHash('md5').update(JSON.stringify(token)).digest('hex');
    const { queues, asked } = await given(lost, fine({ MessageId: 'm', MD5OfMessageBody }));
    await queues.sendJob(token, 'sender');
    expect(asked()).toBe(2);
  });
});

it.each([3, 5, 6])('a write that is throttled %d times is made again, six times in all', async (times) => {
  // Between two tries there is a time of chance: none.
  const chance = vi.spyOn(Math, 'random').mockReturnValue(0);
  const { store, asked } = await given(...Array(times).fill(throttled), fine({ Attributes: {} }));
  const written = store.update(LANE, stopListening(asConnectionId('c')));
  if (times < 6) expect(await written).toEqual({ ok: true, item: {} });
  else await expect(written).rejects.toMatchObject({ name: 'ThrottlingException' });
  chance.mockRestore();
  expect(asked()).toBe(Math.min(times + 1, 6));
});

it('a call that is not answered is made again within the ten seconds of a function', () => {
  const { connectionTimeout, requestTimeout } = SERVICE_TIMEOUTS.requestHandler;
  expect(connectionTimeout).toBeLessThanOrEqual(requestTimeout);
  expect(2 * requestTimeout).toBeLessThan(10_000);
});

it('posts over HTTPS have as many sockets as those over HTTP', () => {
  const { httpAgent, httpsAgent } = CONNECTIONS_CLIENT.requestHandler;
  expect(httpsAgent).toEqual(httpAgent);
});

describe('a limit', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  /** A request that is not answered, and whether its limit is over. */
  function given(ms: number) {
    let signal: AbortSignal | undefined;
    const answer = Promise.withResolvers<string>();
    const result = within(ms, (ends) => {
      signal = ends;
      return answer.promise;
    });
    return { answer, result, isOver: () => signal?.aborted };
  }

  it('is over after its time, and not before', async () => {
    const { answer, result, isOver } = given(2000);
    vi.advanceTimersByTime(1999);
    expect(isOver()).toBe(false);
    vi.advanceTimersByTime(1);
    expect(isOver()).toBe(true);
    answer.resolve('');
    await result;
  });

  it('lets a process that stood still read what has come meanwhile: half of it counts anew', async () => {
    const { answer, result, isOver } = given(2000);
    const stoodStillUntil = Date.now() + 60_000;
    vi.advanceTimersToNextTimer();
    vi.setSystemTime(stoodStillUntil);
    expect(isOver()).toBe(false);
    answer.resolve('it has come');
    expect(await result).toBe('it has come');
  });

  it.each(['answered', 'failed', 'thrown at once'])(
    'leaves no timer behind a request that is %s',
    async (how) => {
      const request = () => {
        if (how === 'thrown at once') throw new Error('no');
        return how === 'failed' ? Promise.reject(new Error('no')) : Promise.resolve();
      };
      for (const passed of [0, 1500]) {
        const begun = within(2000, async () => {
          vi.advanceTimersByTime(passed);
          await request();
        });
        await begun.catch(() => {});
        expect(vi.getTimerCount()).toBe(0);
      }
    },
  );
});
