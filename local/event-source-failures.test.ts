import { setImmediate as tick } from 'node:timers/promises';
import {
  DeleteMessageCommand,
  type Message,
  type ReceiveMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import type { SQSEvent } from 'aws-lambda';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type EventSourceOptions, type PollerOperation, startEventSource } from './event-source.ts';

/** A queue that gives what the test puts into it, batch by batch. */
function givenQueue() {
  const batches: (readonly Message[] | Error)[] = [];
  const deleted: string[] = [];
  const asked: ReceiveMessageCommand['input'][] = [];
  let came = Promise.withResolvers<void>();
  let deleting: Error | undefined;
  async function send(command: unknown, { abortSignal }: { abortSignal?: AbortSignal } = {}) {
    if (command instanceof DeleteMessageCommand) {
      if (deleting) throw deleting;
      deleted.push(command.input.ReceiptHandle ?? '');
      return {};
    }
    asked.push((command as ReceiveMessageCommand).input);
    while (batches.length === 0) {
      const aborted = new Promise((_, reject) =>
        abortSignal?.addEventListener('abort', () => reject(new Error('aborted')), { once: true }),
      );
      await Promise.race([came.promise, aborted]);
    }
    const batch = batches.shift();
    if (batch instanceof Error) throw batch;
    return { Messages: batch };
  }
  return {
    client: { send } as unknown as SQSClient,
    deleted,
    asked,
    give(...given: (readonly Message[] | Error)[]) {
      batches.push(...given);
      came.resolve();
      came = Promise.withResolvers();
    },
    failDeletions(error: Error) {
      deleting = error;
    },
  };
}

const message = (id: string, more: Partial<Message> = {}): Message => ({
  MessageId: id,
  ReceiptHandle: id,
  Body: id,
  ...more,
});

function given(options: Partial<EventSourceOptions> = {}, denied: readonly PollerOperation[] = []) {
  const queue = givenQueue();
  const logs: string[] = [];
  const weighed: [PollerOperation, number][] = [];
  const source = startEventSource({
    client: queue.client,
    queueUrl: 'http://127.0.0.1:9/queue',
    queueArn: 'arn',
    batchSize: 7,
    reportBatchItemFailures: true,
    concurrency: 10,
    invoke: async () => undefined,
    ask: (operation) => ({
      allowed: !denied.includes(operation),
      done: ({ responseBytes }) => weighed.push([operation, responseBytes]),
    }),
    source: 'sample',
    log: ({ text }) => logs.push(text),
    ...options,
  });
  onTestFinished(() => source.stop());
  return { ...queue, source, logs, weighed };
}

/** Lets all that is due go on. */
async function settle(): Promise<void> {
  for (let n = 0; n < 20; n++) await tick();
}

const failures = (...ids: unknown[]) => ({
  batchItemFailures: ids.map((itemIdentifier) => ({ itemIdentifier })),
});

describe('of a batch of a, b and c', () => {
  const batch = ['a', 'b', 'c'].map((id) => message(id));

  // "Reporting batch item failures for Lambda functions with an Amazon SQS trigger", AWS Lambda developer guide.
  it.each<[unknown, string]>([
    [undefined, 'abc'],
    [null, 'abc'],
    ['ok', 'abc'],
    [{}, 'abc'],
    [{ batchItemFailures: null }, 'abc'],
    [failures(), 'abc'],
    [failures('b'), 'ac'],
    [failures('a', 'b', 'c'), ''],
    [failures('a', ''), ''],
    [failures(undefined), ''],
    [failures(5), ''],
    [failures('a', 'other'), ''],
    [{ batchItemFailures: 'a' }, ''],
    [{ batchItemFailures: [null] }, ''],
  ])('where the function returns %j, these are deleted: %s', async (returned, deleted) => {
    const queue = given({ invoke: async () => returned });
    queue.give(batch);
    await settle();
    expect(queue.deleted.join('')).toBe(deleted);
  });

  it('all are deleted where failures are not to be reported, and none where the function fails', async () => {
    const answers = [async () => failures('a'), () => Promise.reject(new Error('no'))];
    const invoke = () => answers.shift()?.() ?? Promise.resolve();
    const { give, deleted, logs } = given({ reportBatchItemFailures: false, invoke });
    give(batch);
    await settle();
    expect(deleted.join('')).toBe('abc');
    give(batch);
    await settle();
    expect(deleted.join('')).toBe('abc');
    expect(logs).toEqual(['Invocation failed: no']);
  });

  it('none is deleted by a role that may not, and what could not be deleted is in the log', async () => {
    const denied = given({}, ['DeleteMessage']);
    denied.give(batch);
    await settle();
    expect(denied.deleted).toEqual([]);
    expect(denied.weighed.filter(([operation]) => operation === 'DeleteMessage')).toHaveLength(3);
    const { give, failDeletions, logs } = given();
    failDeletions(new Error('lost'));
    give(batch);
    await settle();
    expect(logs).toEqual(['Handled messages stay in the queue: lost']);
  });
});

describe('a message', () => {
  it('has its attributes as Lambda gives them, and the trace that it was sent with', async () => {
    const events: SQSEvent[] = [];
    const { give, asked } = given({
      invoke: async (event) => void events.push(event),
      traceOf: (id) => (id === 'a' ? 'Root=1' : undefined),
    });
    give([
      message('a', {
        Attributes: { ApproximateReceiveCount: '2', SenderId: 'me' },
        MessageAttributes: {
          bytes: { DataType: 'Binary', BinaryValue: Buffer.from('é') },
          text: { DataType: 'String', StringValue: '' },
        },
      }),
      message('b'),
    ]);
    await settle();
    expect(asked[0]).toMatchObject({ MaxNumberOfMessages: 7 });
    const [a, b] = events[0]?.Records ?? [];
    expect(a).toMatchObject({
      attributes: { ApproximateReceiveCount: '2', SenderId: 'me', AWSTraceHeader: 'Root=1' },
      messageAttributes: {
        bytes: { binaryValue: 'w6k=', dataType: 'Binary' },
        text: { stringValue: '', dataType: 'String' },
      },
    });
    expect(b?.attributes).toEqual({
      ApproximateReceiveCount: '1',
      SentTimestamp: '0',
      SenderId: '',
      ApproximateFirstReceiveTimestamp: '0',
    });
  });

  it('weighs its bytes, whatever its letters', async () => {
    const { give, weighed } = given();
    give([message('a', { Body: 'é€😀' }), message('b', { Body: 'x' })]);
    await settle();
    expect(weighed).toContainEqual(['ReceiveMessage', 10]);
  });
});

describe('a poller', () => {
  it.each(['GetQueueAttributes', 'ReceiveMessage'] as const)(
    'whose role lacks %s asks the queue for nothing',
    async (lacking) => {
      const { asked, weighed } = given({}, [lacking]);
      await settle();
      expect(asked).toEqual([]);
      expect(weighed).toEqual([
        ['GetQueueAttributes', 0],
        ['ReceiveMessage', 0],
      ]);
    },
  );

  it('says that polling failed, and does not ask again at once', async () => {
    const { give, asked, logs } = given();
    give(new Error('out of reach'));
    await settle();
    expect(logs).toEqual(['Polling failed: out of reach']);
    expect(asked).toHaveLength(1);
  });

  it('says nothing of what fails by its end', async () => {
    const running = Promise.withResolvers<void>();
    const { give, source, logs } = given({
      invoke: () => running.promise.then(() => Promise.reject(new Error('killed'))),
    });
    give([message('a')]);
    await settle();
    await source.stop();
    running.resolve();
    await settle();
    expect(logs).toEqual([]);
  });
});

describe('a poller that begins with two batches, of four', () => {
  const EVERY_MS = 200;

  function start() {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const running: (() => void)[] = [];
    const queue = given({
      concurrency: 4,
      ramp: { first: 2, everyMs: EVERY_MS },
      invoke: () => new Promise((resolve) => running.push(() => resolve(undefined))),
    });
    const atWork = async (ms: number) => {
      vi.advanceTimersByTime(ms);
      await settle();
      return running.length;
    };
    const give = (count: number) =>
      queue.give(...Array.from({ length: count }, (_, n) => [message(String(n))]));
    return { queue, give, running, atWork };
  }

  it('adds one more each time while all are busy, and no more than four', async () => {
    const { give, atWork } = start();
    give(6);
    expect(await atWork(0)).toBe(2);
    expect(await atWork(EVERY_MS - 1)).toBe(2);
    expect(await atWork(1)).toBe(3);
    expect(await atWork(EVERY_MS)).toBe(4);
    expect(await atWork(100 * EVERY_MS)).toBe(4);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('keeps them while some are busy, and has two again when nothing is left', async () => {
    const { queue, give, running, atWork } = start();
    give(4);
    await atWork(0);
    await atWork(EVERY_MS);
    expect(await atWork(EVERY_MS)).toBe(4);
    running.shift()?.();
    // An empty answer to the one that is free.
    queue.give([]);
    await settle();
    give(2);
    expect(await atWork(0)).toBe(4);
    for (const end of running.splice(0)) end();
    await settle();
    for (const end of running.splice(0)) end();
    await settle();
    queue.give([]);
    await settle();
    give(6);
    expect(await atWork(0)).toBe(2);
  });

  it('leaves no timer, and ends though all are busy', async () => {
    const { queue, give, atWork } = start();
    give(3);
    expect(await atWork(0)).toBe(2);
    expect(vi.getTimerCount()).toBe(1);
    await queue.source.stop();
    expect(vi.getTimerCount()).toBe(0);
  });
});
