import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { SQSClient } from '@aws-sdk/client-sqs';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { epochMs, seconds } from '../../config/units.ts';
import { asConnectionId, asLaneId, asSessionKey, asSlotId, asTurnId } from '../../core/ids.ts';
import {
  deadLetters,
  messageGroupOf,
  parseDeadline,
  parseTurnMessage,
  sqsQueues,
  wakeTurnFunction,
} from './queues.ts';
import { sqsHideMessage } from './visibility.ts';

interface Asked {
  QueueUrl: string;
  MessageBody: string;
  DelaySeconds?: number;
  MessageGroupId?: string;
  MessageDeduplicationId?: string;
}

const asked: Asked[] = [];
const server = createServer(async (request, response) => {
  const body = (await json(request)) as Asked;
  asked.push(body);
  const MD5OfMessageBody = createHash('md5')
    .update(body.MessageBody ?? '')
    .digest('hex');
  response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' });
  response.end(JSON.stringify({ MessageId: 'm', MD5OfMessageBody }));
});
beforeEach(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
afterEach(() => {
  asked.length = 0;
  server.closeAllConnections();
  return new Promise<void>((resolve) => server.close(() => resolve()));
});

const config = () => ({
  endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  region: 'us-east-1',
  credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
});
const TURNS = 'http://sqs.invalid/0/turns.fifo';
const DEADLINES = 'http://sqs.invalid/0/deadlines';
const given = () => sqsQueues(TURNS, DEADLINES, config());

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
  const queues = given();
  const session = asSessionKey('s');
  await queues.sendDeadline({ session, lane: asLaneId('l'), slot: asSlotId('t') }, seconds(delay));
  await queues.sendReplay({ connection: asConnectionId('c'), mark: 1 }, seconds(delay));
  await queues.sendGreeting({ connection: asConnectionId('c') }, seconds(delay));
  await queues.sendDeletion({ session, at: epochMs(1), until: epochMs(2) }, seconds(delay));
  await queues.sendFork({ session, connection: asConnectionId('c') }, seconds(delay));
  expect(asked.map(({ DelaySeconds }) => DelaySeconds)).toEqual(Array(5).fill(expected));
});

/** Any well-formed text: tenants, subjects and ids of sessions are in a session's key. */
const anyText = fc.oneof(
  // Close to one another, and longer than a group's id may be.
  fc.constantFrom('a#b#c', 'a-b-c', 'a%23b#c', 'a#b#C', `a#${'b'.repeat(200)}#c`, `a#${'b'.repeat(200)}#d`),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 300 }),
);
/** What SQS accepts as `MessageGroupId` and `MessageDeduplicationId`. Source: SendMessage, SQS API reference. */
const SQS_ID = /^[\w!"#$%&'()*+,\-./:;<=>?@[\\\]^`{|}~]{1,128}$/;
/** Few, so that one of two is often the same. */
const ID = fc.constantFrom('a', 'b', 'c');

it('P5: the jobs of a session are one group, which nothing else is in: no other session’s job, no summary, no end', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(anyText, { minLength: 2, maxLength: 4 }), async (sessions) => {
      asked.length = 0;
      const queues = given();
      const keys = sessions.map(asSessionKey);
      for (const session of keys) {
        await queues.sendJob({ session, lane: asLaneId('l'), slot: asSlotId('t1') }, 'a');
        await queues.sendJob({ session, lane: asLaneId('l'), slot: asSlotId('t2') }, 'b');
        await queues.sendCompaction({ session, from: 3 }, 'a');
        await queues.sendEnded({ session, lane: asLaneId('l'), turn: asTurnId('t'), first: 1 }, 't');
      }
      const groups = asked.map(({ MessageGroupId = '' }) => MessageGroupId);
      for (const group of groups) expect(group).toMatch(SQS_ID);
      expect(new Set(groups).size).toBe(3 * sessions.length);
      for (const [n, session] of keys.entries())
        expect(groups.slice(4 * n, 4 * n + 2)).toEqual([messageGroupOf(session), messageGroupOf(session)]);
      expect(asked.every(({ QueueUrl }) => QueueUrl === TURNS)).toBe(true);
    }),
    { numRuns: 30 },
  );
});

it('P1: SQS takes a job for a repeat only where slot and sender are the same', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(fc.tuple(ID, ID), { selector: String, maxLength: 5 }), async (sends) => {
      asked.length = 0;
      const queues = given();
      const session = asSessionKey('s');
      for (const [slot, sender] of [...sends, ...sends])
        await queues.sendJob({ session, lane: asLaneId('l'), slot: asSlotId(slot) }, sender);
      const ids = asked.map(({ MessageDeduplicationId }) => MessageDeduplicationId);
      for (const id of ids) expect(id).toMatch(SQS_ID);
      expect(new Set(ids.slice(0, sends.length)).size).toBe(sends.length);
      expect(ids.slice(sends.length)).toEqual(ids.slice(0, sends.length));
    }),
    { numRuns: 30 },
  );
});

it('a summary is a repeat where its sender is the same, and no job’s', async () => {
  const queues = given();
  const session = asSessionKey('s');
  for (const sender of ['a', 'b', 'a']) await queues.sendCompaction({ session, from: 3 }, sender);
  await queues.sendJob({ session, lane: asLaneId('l'), slot: asSlotId('compaction') }, 'a');
  const [first, second, third] = asked.map(({ MessageDeduplicationId }) => MessageDeduplicationId);
  expect([second === first, third === first]).toEqual([false, true]);
});

it('a dead letter and a wake-up are in groups of their own: nothing waits behind them', async () => {
  const client = new SQSClient({ ...config(), useQueueUrlAsEndpoint: false });
  const dead = deadLetters('http://sqs.invalid/0/dead.fifo', client);
  for (const messageId of ['m1', 'm2', 'm1']) await dead.send({ messageId, body: 'no JSON' });
  for (const id of ['w1', 'w2']) await wakeTurnFunction(TURNS, id, client);
  const of = (letter: keyof Asked) => asked.map((one) => one[letter]);
  expect(of('QueueUrl')).toEqual([...Array(3).fill('http://sqs.invalid/0/dead.fifo'), TURNS, TURNS]);
  expect(of('MessageBody')).toEqual([...Array(3).fill('no JSON'), '{"wake":true}', '{"wake":true}']);
  expect(new Set(of('MessageGroupId')).size).toBe(4);
  // The same letter twice is one.
  expect(new Set(of('MessageDeduplicationId')).size).toBe(4);
});

it('what is sent is what the function reads', async () => {
  const queues = given();
  const session = asSessionKey('tenant#Ann 😀#s');
  const job = { session, lane: asLaneId('l'), slot: asSlotId('t') };
  const deletion = { session, at: epochMs(1), until: epochMs(2) };
  const replay = { connection: asConnectionId('c'), mark: 7 };
  await queues.sendJob(job, 'a');
  await queues.sendCompaction({ session, from: 3 }, 'a');
  const ended = { session, lane: asLaneId('l'), turn: asTurnId('t'), first: 4 };
  await queues.sendEnded(ended, 't');
  await queues.sendDeadline(job, seconds(1));
  await queues.sendDeletion(deletion, seconds(1));
  await queues.sendReplay(replay, seconds(1));
  const greeting = { connection: asConnectionId('c') };
  await queues.sendGreeting(greeting, seconds(1));
  const fork = { session, connection: asConnectionId('d') };
  await queues.sendFork(fork, seconds(1));
  const bodies = asked.map(({ MessageBody }) => MessageBody);
  expect(bodies.slice(0, 3).map(parseTurnMessage)).toEqual([
    job,
    { compaction: { session, from: 3 } },
    { ended },
  ]);
  expect(bodies.slice(3).map(parseDeadline)).toEqual([job, { deletion }, { replay }, { greeting }, { fork }]);
  expect(asked.map(({ QueueUrl }) => QueueUrl)).toEqual([
    ...Array(3).fill(TURNS),
    ...Array(5).fill(DEADLINES),
  ]);
});

it.each([
  '',
  'no JSON',
  'null',
  '[]',
  '{}',
  '7',
  '{"session":"s","lane":"l"}',
  '{"wake":false}',
  '{"wake":"true"}',
  '{"session":"s","lane":"l","slot":7}',
  '{"deletion":{}}',
  '{"deletion":{"session":"s","at":1}}',
  '{"deletion":{"session":"s","at":"1","until":2}}',
  '{"compaction":{"session":"s"}}',
  '{"compaction":{"session":"s","from":"3"}}',
  '{"ended":{"session":"s","lane":"l","turn":"t"}}',
  '{"ended":{"session":"s","lane":"l","first":1}}',
  '{"replay":{"connection":"c"}}',
  '{"greeting":{}}',
  '{"fork":{"session":"s"}}',
  '{"fork":{"connection":"c"}}',
])('a body that is none (%j) is refused by both queues', (body) => {
  expect(() => parseTurnMessage(body)).toThrow();
  expect(() => parseDeadline(body)).toThrow();
});

it('what is of one queue is nothing to the other: a turn that is summed up, and a session that is deleted', () => {
  for (const body of [
    '{"compaction":{"session":"s","from":3}}',
    '{"ended":{"session":"s","lane":"l","turn":"t","first":1}}',
    '{"wake":true}',
  ])
    expect(() => parseDeadline(body), body).toThrow();
  for (const body of [
    '{"deletion":{"session":"s","at":1,"until":2}}',
    '{"replay":{"connection":"c","mark":1}}',
    '{"greeting":{"connection":"c"}}',
    '{"fork":{"session":"s","connection":"c"}}',
  ])
    expect(() => parseTurnMessage(body), body).toThrow();
});

it.each([0, 15])('a message is hidden by its handle, in its queue, for %d s', async (duration) => {
  const client = new SQSClient({ ...config(), useQueueUrlAsEndpoint: false });
  await sqsHideMessage(TURNS, client)('a handle', seconds(duration));
  expect(asked).toEqual([{ QueueUrl: TURNS, ReceiptHandle: 'a handle', VisibilityTimeout: duration }]);
});
