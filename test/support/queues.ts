import { randomUUID } from 'node:crypto';
import {
  GetQueueAttributesCommand,
  ListQueuesCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import type { LocalCloud } from '../../local/cloud.ts';

const PATTERNS = { turn: /(?<!Dead)TurnQueue/, deadTurn: /DeadTurnQueue/ } as const;
type QueueName = keyof typeof PATTERNS;

/** The queues beside the product, as their operator sees them. */
export interface Queues {
  send(queue: QueueName, group: string, body: string): Promise<void>;
  /** Messages that wait or are being worked on. */
  count(queue: QueueName): Promise<number>;
  close(): void;
}

export async function openQueues({
  endpoint,
  credentials,
}: Pick<LocalCloud['sqs'], 'endpoint' | 'credentials'>): Promise<Queues> {
  const client = new SQSClient({
    endpoint,
    region: 'us-east-1',
    credentials,
  });
  const { QueueUrls = [] } = await client.send(new ListQueuesCommand({}));
  const urlOf = (queue: QueueName) => {
    const url = QueueUrls.find((name) => PATTERNS[queue].test(name));
    if (!url) throw new Error(`there is no ${queue} queue among ${QueueUrls.join(', ')}`);
    return url;
  };
  return {
    async send(queue, group, body) {
      await client.send(
        new SendMessageCommand({
          QueueUrl: urlOf(queue),
          MessageBody: body,
          MessageGroupId: group,
          MessageDeduplicationId: randomUUID(),
        }),
      );
    },
    async count(queue) {
      const { Attributes = {} } = await client.send(
        new GetQueueAttributesCommand({ QueueUrl: urlOf(queue), AttributeNames: ['All'] }),
      );
      const { ApproximateNumberOfMessages, ApproximateNumberOfMessagesNotVisible } = Attributes;
      return Number(ApproximateNumberOfMessages) + Number(ApproximateNumberOfMessagesNotVisible);
    },
    close: () => client.destroy(),
  };
}
