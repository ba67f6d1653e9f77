import { setTimeout as delay } from 'node:timers/promises';
import {
  DeleteMessageCommand,
  type Message,
  type MessageAttributeValue,
  ReceiveMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import type { SQSBatchResponse, SQSEvent, SQSMessageAttributes, SQSRecord } from 'aws-lambda';
import type { Attempt } from './aws/access.ts';
import { messageOf } from './errors.ts';
import type { Log } from './log.ts';
import { REGION } from './world.ts';

export interface EventSourceOptions {
  client: SQSClient;
  queueUrl: string;
  queueArn: string;
  /** X-Ray's tracing header that came with a message. */
  traceOf?: (messageId: string) => string | undefined;
  /** Messages per invocation, at most 10. */
  batchSize: number;
  /** Whether the function reports which messages failed. Otherwise a failure is that of the whole batch. */
  reportBatchItemFailures: boolean;
  /** Maximum of concurrent batches. */
  concurrency: number;
  /** How the number of concurrent batches grows to that maximum. @default - it is there at once */
  ramp?: Ramp;
  invoke(event: SQSEvent): Promise<unknown>;
  /** Whether the function's role allows an operation on the queue. Lambda polls with that role. */
  ask(operation: PollerOperation): Attempt;
  /** The name in the log. */
  source: string;
  log: Log;
}

export interface Ramp {
  /** Concurrent batches at first, and again when no message is left. */
  first: number;
  /** While all are busy, one more after this time. */
  everyMs: number;
}

/**
 * Lambda begins with five concurrent batches, adds up to 300 a minute while messages are left, and goes back to five.
 * Source: "Configuring scaling behavior for SQS event source mappings", AWS Lambda developer guide, which says it of
 * standard queues and nothing else of FIFO queues.
 */
export const LAMBDA_RAMP: Ramp = { first: 5, everyMs: 60_000 / 300 };

/** Lambda's operations on a queue. Source: "Using Lambda with Amazon SQS", AWS Lambda developer guide. */
export const POLLER_OPERATIONS = ['GetQueueAttributes', 'ReceiveMessage', 'DeleteMessage'] as const;
export type PollerOperation = (typeof POLLER_OPERATIONS)[number];

export interface EventSource {
  /** Stops receiving. Running batches end by themselves. */
  stop(): Promise<void>;
}

const LONG_POLL_SECONDS = 20;
const RETRY_MS = 500;

/**
 * Lambda's poller of a queue. Messages of a FIFO group arrive one batch at a time, because the queue holds back a group
 * with a message in flight. Different groups run in parallel.
 *
 * Messages that succeeded are deleted. Failed ones become visible again when their visibility time-out ends, which the
 * function may have changed.
 */
export function startEventSource(options: EventSourceOptions): EventSource {
  const stopped = new AbortController();
  let inFlight = 0;
  let freed = Promise.withResolvers<void>();
  const { concurrency, ramp } = options;
  const first = Math.min(ramp?.first ?? concurrency, concurrency);
  let allowed = first;
  let growing: NodeJS.Timeout | undefined;

  function grow(): void {
    if (!ramp || growing || allowed === concurrency) return;
    growing = setTimeout(() => {
      growing = undefined;
      allowed += 1;
      freed.resolve();
    }, ramp.everyMs);
  }

  /** Undefined if the role does not allow Lambda to poll. */
  async function receive(): Promise<Message[] | undefined> {
    const looking = options.ask('GetQueueAttributes');
    looking.done({ requestBytes: 0, responseBytes: 0 });
    const receiving = options.ask('ReceiveMessage');
    if (!looking.allowed || !receiving.allowed) {
      receiving.done({ requestBytes: 0, responseBytes: 0 });
      return undefined;
    }
    const { Messages = [] } = await options.client.send(
      new ReceiveMessageCommand({
        QueueUrl: options.queueUrl,
        MaxNumberOfMessages: options.batchSize,
        WaitTimeSeconds: LONG_POLL_SECONDS,
        MessageSystemAttributeNames: ['All'],
        MessageAttributeNames: ['All'],
      }),
      { abortSignal: stopped.signal },
    );
    receiving.done({ requestBytes: 0, responseBytes: bytesOf(Messages) });
    return Messages;
  }

  async function work(messages: Message[]): Promise<void> {
    const done = await process(messages, options);
    await Promise.all(
      done.map(async ({ ReceiptHandle }) => {
        const deleting = options.ask('DeleteMessage');
        deleting.done({ requestBytes: 0, responseBytes: 0 });
        // A message that was not deleted becomes visible again, and its work is repeated.
        if (!deleting.allowed) return;
        await options.client.send(new DeleteMessageCommand({ QueueUrl: options.queueUrl, ReceiptHandle }));
      }),
    );
  }

  const complain = (what: string, error: unknown) => {
    if (stopped.signal.aborted) return;
    options.log({ level: 'error', source: options.source, text: `${what}: ${messageOf(error)}` });
  };

  async function poll(): Promise<void> {
    while (!stopped.signal.aborted) {
      if (inFlight >= allowed) {
        freed = Promise.withResolvers();
        grow();
        await freed.promise;
        continue;
      }
      try {
        const messages = await receive();
        if (!messages) {
          // The denial was logged. Keep polling, because the permission may be restored.
          await pause();
          continue;
        }
        if (messages.length === 0) {
          if (inFlight === 0) allowed = first;
          continue;
        }
        inFlight += 1;
        void work(messages)
          .catch((error: unknown) => complain('Handled messages stay in the queue', error))
          .finally(() => {
            inFlight -= 1;
            freed.resolve();
          });
      } catch (error) {
        complain('Polling failed', error);
        await pause();
      }
    }
  }

  async function pause(): Promise<void> {
    // Aborted by stop().
    await delay(RETRY_MS, undefined, { signal: stopped.signal }).catch(() => {});
  }

  const polling = poll();
  return {
    async stop() {
      stopped.abort();
      clearTimeout(growing);
      freed.resolve();
      await polling;
    },
  };

  /** Returns the messages that succeeded. */
  async function process(messages: Message[], { invoke, reportBatchItemFailures }: EventSourceOptions) {
    try {
      const response = await invoke({
        Records: messages.map((message) => toRecord(message, options)),
      });
      if (!reportBatchItemFailures) return messages;
      const failed = readFailures(response);
      const ids = new Set(messages.map(({ MessageId }) => MessageId));
      if (!failed || failed.some((id) => !ids.has(id))) {
        complain(
          'The whole batch counts as failed',
          new Error('the function names messages that are not in it'),
        );
        return [];
      }
      return messages.filter(({ MessageId }) => !failed.includes(MessageId ?? ''));
    } catch (error) {
      complain('Invocation failed', error);
      return [];
    }
  }
}

function bytesOf(messages: readonly Message[]): number {
  return messages.reduce((sum, { Body = '' }) => sum + Buffer.byteLength(Body), 0);
}

/** Ids of the failed messages. Undefined if the answer is malformed, which Lambda treats as a failure of all. */
function readFailures(response: unknown): string[] | undefined {
  if (response === null || response === undefined) return [];
  if (typeof response !== 'object') return [];
  const { batchItemFailures } = response as Partial<SQSBatchResponse>;
  if (batchItemFailures === null || batchItemFailures === undefined) return [];
  if (!Array.isArray(batchItemFailures)) return undefined;
  const ids = batchItemFailures.map((failure) => failure?.itemIdentifier);
  return ids.every((id) => typeof id === 'string' && id !== '') ? ids : undefined;
}

/** Source: "Using Lambda with Amazon SQS", AWS Lambda developer guide. */
function toRecord(message: Message, { queueArn, traceOf }: EventSourceOptions): SQSRecord {
  const attributes = message.Attributes ?? {};
  const trace = traceOf?.(message.MessageId ?? '');
  return {
    messageId: message.MessageId ?? '',
    receiptHandle: message.ReceiptHandle ?? '',
    body: message.Body ?? '',
    attributes: {
      ...attributes,
      ...(trace && { AWSTraceHeader: trace }),
      ApproximateReceiveCount: attributes.ApproximateReceiveCount ?? '1',
      SentTimestamp: attributes.SentTimestamp ?? '0',
      SenderId: attributes.SenderId ?? '',
      ApproximateFirstReceiveTimestamp: attributes.ApproximateFirstReceiveTimestamp ?? '0',
    },
    messageAttributes: toAttributes(message.MessageAttributes ?? {}),
    md5OfBody: message.MD5OfBody ?? '',
    eventSource: 'aws:sqs',
    eventSourceARN: queueArn,
    awsRegion: REGION,
  };
}

function toAttributes(attributes: Record<string, MessageAttributeValue>): SQSMessageAttributes {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, { StringValue, BinaryValue, DataType }]) => [
      name,
      {
        ...(StringValue !== undefined && { stringValue: StringValue }),
        ...(BinaryValue && { binaryValue: Buffer.from(BinaryValue).toString('base64') }),
        stringListValues: [],
        binaryListValues: [],
        dataType: DataType ?? 'String',
      },
    ]),
  );
}
