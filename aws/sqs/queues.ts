import { createHash } from 'node:crypto';
import { SendMessageCommand, SQSClient, type SQSClientConfig } from '@aws-sdk/client-sqs';
import * as z from 'zod/mini';
import type { Deletion, Queues, TurnJob } from '../../core/ports.ts';
import { SERVICE_PATIENCE } from '../timeouts.ts';

const jobBody = z.object({ session: z.string(), lane: z.string(), slot: z.string() });

const deletionBody = z.object({
  deletion: z.object({ session: z.string(), at: z.number(), until: z.number() }),
});

/** The body of a token. Throws on anything else. */
export const parseJob = (body: string): TurnJob => jobBody.parse(JSON.parse(body));

/** The body of a message in the deadline queue. Throws on anything else. */
export const parseDeadline = (body: string): TurnJob | { deletion: Deletion } =>
  z.union([jobBody, deletionBody]).parse(JSON.parse(body));

const delay = (seconds: number) => Math.min(900, Math.max(0, Math.ceil(seconds)));

/** At most 128 characters without spaces: a session's key may be longer and hold anything. */
export const groupOf = (session: string): string => createHash('sha256').update(session).digest('hex');

export function sqsQueues(
  turnQueueUrl: string,
  deadlineQueueUrl: string,
  config: SQSClientConfig = {},
): Queues {
  const client = new SQSClient({ ...SERVICE_PATIENCE, ...config });
  return {
    async sendJob(job, sender) {
      await client.send(
        new SendMessageCommand({
          QueueUrl: turnQueueUrl,
          MessageBody: JSON.stringify(job),
          MessageGroupId: groupOf(job.session),
          MessageDeduplicationId: `${job.slot}#${sender}`,
        }),
      );
    },
    async sendDeadline(job, seconds) {
      await client.send(
        new SendMessageCommand({
          QueueUrl: deadlineQueueUrl,
          MessageBody: JSON.stringify(job),
          DelaySeconds: delay(seconds),
        }),
      );
    },
    async sendDeletion(deletion, seconds) {
      await client.send(
        new SendMessageCommand({
          QueueUrl: deadlineQueueUrl,
          MessageBody: JSON.stringify({ deletion }),
          DelaySeconds: delay(seconds),
        }),
      );
    },
  };
}

/**
 * Puts a message that is no token into the dead-letter queue. Left in the turn queue it would come back until its
 * receives are used up, and its session would wait for that: handed-over turns need a count that is high.
 */
export function deadLetters(
  queueUrl: string,
  client: SQSClient = new SQSClient(SERVICE_PATIENCE),
): { bury(message: { messageId: string; body: string }): Promise<void> } {
  return {
    async bury({ messageId, body }) {
      await client.send(
        new SendMessageCommand({
          QueueUrl: queueUrl,
          MessageBody: body,
          // A group of its own: it must not hold up dead letters that can be sent again.
          MessageGroupId: messageId,
          MessageDeduplicationId: messageId,
        }),
      );
    },
  };
}
