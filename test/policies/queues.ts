import { ListQueuesCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { LocalCloud } from '../../local/cloud.ts';
import { openQueues, type Queues } from '../support/queues.ts';

/** The queues beside the product, with the one for deadlines, which is no FIFO queue. */
export interface TourQueues extends Queues {
  sendDeadline(body: string): Promise<void>;
}

export async function openTourQueues({
  endpoint,
  credentials,
}: Pick<LocalCloud['sqs'], 'endpoint' | 'credentials'>): Promise<TourQueues> {
  const client = new SQSClient({
    endpoint,
    region: 'us-east-1',
    credentials,
  });
  const [queues, { QueueUrls = [] }] = await Promise.all([
    openQueues({ endpoint, credentials }),
    client.send(new ListQueuesCommand({})),
  ]);
  const QueueUrl = QueueUrls.find((url) => /(?<!Dead)DeadlineQueue/.test(url));
  return {
    ...queues,
    async sendDeadline(body) {
      await client.send(new SendMessageCommand({ QueueUrl, MessageBody: body }));
    },
    close() {
      queues.close();
      client.destroy();
    },
  };
}
