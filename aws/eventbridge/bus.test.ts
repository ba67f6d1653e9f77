import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { EventBridgeClientConfig } from '@aws-sdk/client-eventbridge';
import { afterAll, describe, expect, it } from 'vitest';
import { epochMs } from '../../config/units.ts';
import type { BusEvent } from '../../core/ports.ts';
import { BUS_TIMEOUTS } from '../timeouts.ts';
import { eventBridgeBus } from './bus.ts';

const running: (() => Promise<void>)[] = [];
afterAll(async () => {
  await Promise.all(running.splice(0).map((stop) => stop()));
});

interface Entry {
  [field: string]: unknown;
}

type Answer = (entries: Entry[], response: ServerResponse) => void;

const answered = (response: ServerResponse, status: number, body: object) =>
  void response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(body));
/** Each entry is taken, but for those that have an error of their own. */
const answering =
  (codes: Readonly<Record<number, string>> = {}): Answer =>
  (entries, response) =>
    answered(response, 200, {
      FailedEntryCount: Object.keys(codes).length,
      Entries: entries.map((_, i) => (codes[i] ? { ErrorCode: codes[i] } : { EventId: `e${i}` })),
    });

/** The bus on a service that answers so, one request after the other. */
async function given(...answers: Answer[]) {
  return givenConfig({}, ...answers);
}

async function givenConfig(config: EventBridgeClientConfig, ...answers: Answer[]) {
  const asked: Entry[][] = [];
  const server = createServer(async (request, response) => {
    const { Entries } = JSON.parse(await text(request));
    const answer = answers[asked.length];
    asked.push(Entries);
    if (answer) answer(Entries, response);
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
  const bus = eventBridgeBus(
    { bus: 'team', midturn: 'Chat' },
    Object.defineProperties(
      {
        endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        region: 'us-east-1',
        credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
      },
      Object.getOwnPropertyDescriptors(config),
    ),
  );
  return { bus, asked };
}

const event = (id: string): BusEvent => ({
  type: 'Turn Ended',
  at: epochMs(1_800_000_000_000),
  detail: { id, turn_id: id },
});

describe('an event bus', () => {
  it('is told with source, type, time and a detail that says of which Midturn', async () => {
    const { bus, asked } = await given(answering());
    await bus.put([event('t1')]);
    expect(asked).toEqual([
      [
        {
          EventBusName: 'team',
          Source: 'midturn',
          DetailType: 'Turn Ended',
          Time: 1_800_000_000,
          Detail: '{"version":1,"midturn":"Chat","id":"t1","turn_id":"t1"}',
        },
      ],
    ]);
  });

  it('takes ten events a request', async () => {
    const { bus, asked } = await given(answering(), answering());
    await bus.put(Array.from({ length: 12 }, (_, i) => event(`t${i}`)));
    expect(asked.map((entries) => entries.length)).toEqual([10, 2]);
  });

  it('is told again of those that it throttled, and of no other', async () => {
    const { bus, asked } = await given(answering({ 1: 'ThrottlingException' }), answering());
    await bus.put([event('t1'), event('t2'), event('t3')]);
    expect(asked[1]?.map(({ Detail }) => JSON.parse(String(Detail)).id)).toEqual(['t2']);
  });

  it('that goes on to throttle has not taken them', async () => {
    const busy = answering({ 0: 'InternalFailure' });
    const { bus, asked } = await given(busy, busy);
    await expect(bus.put([event('t1')])).rejects.toThrow('1 of 1 events were throttled');
    expect(asked).toHaveLength(2);
  });

  it('that refuses an event for good is not asked again, and the error names the code', async () => {
    const { bus, asked } = await given(answering({ 0: 'NotAuthorizedForSourceException' }));
    await expect(bus.put([event('t1')])).rejects.toThrow('NotAuthorizedForSourceException');
    expect(asked).toHaveLength(1);
  });

  it.each([0, 1, 2])('that refuses one of three, in place %d, has not taken them all', async (place) => {
    const { bus, asked } = await given(answering({ [place]: 'MalformedDetail' }));
    await expect(bus.put([event('t1'), event('t2'), event('t3')])).rejects.toThrow('MalformedDetail');
    expect(asked).toHaveLength(1);
  });

  it('whose client cannot be made is told with the next event: the client is made again', async () => {
    let tries = 0;
    const config: EventBridgeClientConfig = {
      get maxAttempts() {
        if (tries++ === 0) throw new Error('no client');
        return 1;
      },
    };
    const { bus, asked } = await givenConfig(config, answering());
    await expect(bus.put([event('t1')])).rejects.toThrow('no client');
    await bus.put([event('t2')]);
    expect(asked).toHaveLength(1);
  });

  it('that does not answer holds a session up for five seconds at most', () => {
    const { requestHandler, maxAttempts } = BUS_TIMEOUTS;
    expect(requestHandler.requestTimeout * maxAttempts).toBeLessThanOrEqual(5000);
  });

  it.each([1, 2])('is told twice at most where %d requests break off', async (breaks) => {
    const broken: Answer = (_, response) => void response.destroy();
    const { bus, asked } = await given(...Array(breaks).fill(broken), answering());
    const put = bus.put([event('t1')]);
    if (breaks === 1) await put;
    else await expect(put).rejects.toThrow();
    expect(asked).toHaveLength(2);
  });

  it('that denies the request has taken nothing', async () => {
    const { bus } = await given((_, response) =>
      answered(response, 400, { __type: 'AccessDeniedException', message: 'no' }),
    );
    await expect(bus.put([event('t1')])).rejects.toMatchObject({ name: 'AccessDeniedException' });
  });
});
