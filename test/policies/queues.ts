import { ListQueuesCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { openQueues, type Queues } from '../support/queues.ts';

/** The queues beside the product, with the one for deadlines, which is no FIFO queue. */
export interface TourQueues extends Queues {
  sendDeadline(body: string): Promise<void>;
}

export async function openTourQueues({ endpoint }: { endpoint: string }): Promise<TourQueues> {
  const client = new SQSClient({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  const [queues, { QueueUrls = [] }] = await Promise.all([
    openQueues({ endpoint }),
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
