import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { afterEach, expect, it, vi } from 'vitest';
import { asLaneId, asSessionKey, asSlotId } from '../../core/ids.ts';
import { sqsQueues } from './queues.ts';

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

it('a message goes to the endpoint of the environment, whatever host the queue’s URL has, without a word', async () => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(String(request.headers['x-amz-target']));
    json(request).then((body) => {
      const { MessageBody = '' } = body as { MessageBody?: string };
      const MD5OfMessageBody = createHash('md5').update(MessageBody).digest('hex');
      response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' });
      response.end(JSON.stringify({ MessageId: 'm', MD5OfMessageBody }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  vi.stubEnv('AWS_ENDPOINT_URL', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  vi.stubEnv('AWS_REGION', 'us-east-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
  const words = vi.spyOn(console, 'warn');
  // As an emulator names queues after the host by which others reach it.
  const queues = sqsQueues('http://emulator.invalid/0/turns.fifo', 'http://emulator.invalid/0/deadlines');
  const job = { session: asSessionKey('s'), lane: asLaneId('l'), slot: asSlotId('t') };
  await queues.sendJob(job, 'sender').finally(() => server.close());
  expect(asked).toEqual(['AmazonSQS.SendMessage']);
  expect(words).not.toHaveBeenCalled();
});
