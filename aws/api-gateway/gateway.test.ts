import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { CountMetric } from '../../config/metrics.ts';
import { asConnectionId } from '../../core/ids.ts';
import { noMetrics } from '../cloudwatch/emf.ts';
import { managementGateway } from './gateway.ts';

const running: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((stop) => stop()));
});

/** The real client against a management API that answers with these statuses, one after the other. */
async function given(...statuses: number[]) {
  const server = createServer((_request, response) => {
    const status = statuses.shift() ?? 500;
    const type = { 410: 'GoneException', 429: 'LimitExceededException' }[status];
    response.writeHead(status, { ...(type && { 'x-amzn-errortype': type }) }).end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  running.push(
    () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  const counted: CountMetric[] = [];
  const gateway = managementGateway(
    `http://127.0.0.1:${(server.address() as AddressInfo).port}/stage`,
    { ...noMetrics, count: (name) => counted.push(name) },
    { region: 'us-east-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' } },
  );
  return { gateway, counted };
}

const CONNECTION = asConnectionId('c');

describe('a post', () => {
  it('that arrives counts as nothing', async () => {
    const { gateway, counted } = await given(200);
    expect(await gateway.post(CONNECTION, '{}')).toBe('sent');
    expect(counted).toEqual([]);
  });

  it('to a connection that is gone is told and counted', async () => {
    const { gateway, counted } = await given(410);
    expect(await gateway.post(CONNECTION, '{}')).toBe('gone');
    expect(counted).toEqual(['PostsGone']);
  });

  it('that is throttled is repeated, and counted each time', async () => {
    const { gateway, counted } = await given(429, 429, 200);
    expect(await gateway.post(CONNECTION, '{}')).toBe('sent');
    expect(counted).toEqual(['PostsThrottled', 'PostsThrottled']);
  });

  it('that fails otherwise fails, and is not taken for throttled', async () => {
    const { gateway, counted } = await given(500, 500, 500);
    await expect(gateway.post(CONNECTION, '{}')).rejects.toThrow();
    expect(counted).toEqual([]);
  });
});
