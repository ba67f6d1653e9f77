import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { epochMs, seconds } from '../../config/units.ts';
import { asConnectionId, asLaneId, asSessionKey, asSlotId } from '../../core/ids.ts';
import { sqsQueues } from './queues.ts';

interface Asked {
  QueueUrl: string;
  MessageBody: string;
  DelaySeconds?: number;
}

const asked: Asked[] = [];
const server = createServer(async (request, response) => {
  const body = (await json(request)) as Asked;
  asked.push(body);
  const MD5OfMessageBody = createHash('md5').update(body.MessageBody).digest('hex');
  response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' });
  response.end(JSON.stringify({ MessageId: 'm', MD5OfMessageBody }));
});
beforeEach(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
afterEach(() => {
  asked.length = 0;
  server.closeAllConnections();
  return new Promise<void>((resolve) => server.close(() => resolve()));
});

/** SQS takes whole seconds from 0 to 900. Source: `DelaySeconds` of SendMessage, SQS API reference. */
it.each([
  [-5, 0],
  [0, 0],
  [0.001, 1],
  [1, 1],
  [1.001, 2],
  [898.999, 899],
  [899.001, 900],
  [900, 900],
  [900.001, 900],
  [86_400, 900],
])('what is due in %d s is delayed by %d s: never earlier, as far as SQS can', async (delay, expected) => {
  const queues = sqsQueues('http://sqs.invalid/0/turns.fifo', 'http://sqs.invalid/0/deadlines', {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  const session = asSessionKey('s');
  await queues.sendDeadline({ session, lane: asLaneId('l'), slot: asSlotId('t') }, seconds(delay));
  await queues.sendReplay({ connection: asConnectionId('c'), mark: 1 }, seconds(delay));
  await queues.sendDeletion({ session, at: epochMs(1), until: epochMs(2) }, seconds(delay));
  expect(asked.map(({ DelaySeconds }) => DelaySeconds)).toEqual([expected, expected, expected]);
});
