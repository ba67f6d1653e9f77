import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { CountMetric } from '../../config/metrics.ts';
import { LIMIT_SETTINGS } from '../../config/settings/limits.ts';
import { asConnectionId } from '../../core/ids.ts';
import { noMetrics } from '../cloudwatch/emf.ts';
import { CLOSE_LIMIT_MS, POST_LIMIT_MS } from '../timeouts.ts';
import { managementGateway } from './gateway.ts';

const running: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((stop) => stop()));
});

type Answer = number | 'nameless 410' | 'never';

/** The real client against a management API that answers so, one request after the other. */
async function given(...answers: Answer[]) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.method ?? '');
    const answer = answers.shift() ?? 500;
    if (answer === 'never') return;
    const status = answer === 'nameless 410' ? 410 : answer;
    const type = answer === 410 ? 'GoneException' : answer === 429 ? 'LimitExceededException' : undefined;
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
  return { gateway, counted, asked };
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

  it('to a connection that is gone is told by the status alone, which is all that an emulator sends', async () => {
    const { gateway, counted } = await given('nameless 410');
    expect(await gateway.post(CONNECTION, '{}')).toBe('gone');
    expect(counted).toEqual(['PostsGone']);
  });

  it('that is throttled is one attempt, and counted', async () => {
    const { gateway, counted, asked } = await given(429, 200);
    await expect(gateway.post(CONNECTION, '{}')).rejects.toThrow();
    expect(counted).toEqual(['PostsThrottled']);
    expect(asked).toEqual(['POST']);
  });

  it('that fails otherwise fails, and is not taken for throttled', async () => {
    const { gateway, counted } = await given(500);
    await expect(gateway.post(CONNECTION, '{}')).rejects.toThrow();
    expect(counted).toEqual([]);
  });

  it('that nobody answers ends, and is one attempt', async () => {
    const { gateway, asked } = await given('never', 200);
    expect(await gateway.post(CONNECTION, '{}')).toBe('unanswered');
    expect(asked).toEqual(['POST']);
  });
});

it('a post waits behind no listener that does not answer, however many they are', async () => {
  const [, LISTENERS] = LIMIT_SETTINGS.sessionConnections.range;
  const { gateway, asked } = await given(...Array.from({ length: LISTENERS }, (): Answer => 'never'), 200);
  const hanging = Array.from({ length: LISTENERS }, (_, n) => gateway.post(asConnectionId(`h${n}`), '{}'));
  await expect.poll(() => asked.length).toBe(LISTENERS);
  const first = await Promise.race([gateway.post(CONNECTION, '{}'), ...hanging]);
  expect(first).toBe('sent');
  await Promise.all(hanging);
});

describe('a connection that is closed', () => {
  it('is gone for later posts', async () => {
    const { gateway, asked } = await given(204);
    await gateway.disconnect(CONNECTION);
    expect(await gateway.post(CONNECTION, '{}')).toBe('gone');
    expect(asked).toEqual(['DELETE']);
  });

  it('is gone for later posts too if that is not answered', async () => {
    const { gateway, asked } = await given('never');
    expect(await gateway.disconnect(CONNECTION)).toBe('unanswered');
    expect(await gateway.post(CONNECTION, '{}')).toBe('gone');
    expect(asked).toEqual(['DELETE']);
  });

  it('is remembered while a thousand others are closed, and forgotten with the next', async () => {
    const { gateway, asked } = await given(...Array.from({ length: 1001 }, () => 204), 200);
    const ids = Array.from({ length: 1001 }, (_, n) => asConnectionId(`c${n}`));
    const [first, second, ...others] = ids;
    if (!first || !second) throw new Error('no ids');
    await gateway.disconnect(first);
    await gateway.disconnect(second);
    const last = others.pop();
    for (const id of others) await gateway.disconnect(id);
    expect(await gateway.post(first, '{}')).toBe('gone');
    if (last) await gateway.disconnect(last);
    expect(await gateway.post(second, '{}')).toBe('gone');
    expect(await gateway.post(first, '{}')).toBe('sent');
    expect(asked.filter((method) => method === 'POST')).toHaveLength(1);
  });

  it.each([400, 403, 429, 500, 503])(
    'that is not closed (%d) fails: its client would not notice. It is gone for later posts too',
    async (status) => {
      const { gateway, asked } = await given(status, 200);
      await expect(gateway.disconnect(CONNECTION)).rejects.toThrow();
      expect(await gateway.post(CONNECTION, '{}')).toBe('gone');
      expect(asked).toEqual(['DELETE']);
    },
  );

  it('whose close is not answered is given up before a post that began with it: both cost less than three seconds', async () => {
    const { gateway } = await given('never', 'never');
    const first = await Promise.race([
      gateway.post(asConnectionId('posted to'), '{}').then(() => 'post'),
      gateway.disconnect(CONNECTION).then(() => 'close'),
    ]);
    expect(first).toBe('close');
    expect(POST_LIMIT_MS + CLOSE_LIMIT_MS).toBeLessThan(3000);
  });

  it.each([410, 'nameless 410'] as const)('may be gone already (%s)', async (answer) => {
    const { gateway } = await given(answer);
    expect(await gateway.disconnect(CONNECTION)).toBe('closed');
  });
});
