import { createHash } from 'node:crypto';
import { SendMessageCommand, SQSClient, type SQSClientConfig } from '@aws-sdk/client-sqs';
import * as z from 'zod/mini';
import { epochMs, type Seconds } from '../../config/units.ts';
import {
  asConnectionId,
  asLaneId,
  asSessionKey,
  asSlotId,
  asTurnId,
  type SessionKey,
} from '../../core/ids.ts';
import type {
  CompactionJob,
  Deletion,
  EndedTurnJob,
  ForkJob,
  GreetingJob,
  Queues,
  ReplayJob,
  TurnJob,
} from '../../core/ports.ts';
import { SQS_OPTIONS } from '../timeouts.ts';

const jobBody = z.object({ session: z.string(), lane: z.string(), slot: z.string() });

const deletionBody = z.object({
  deletion: z.object({ session: z.string(), at: z.number(), until: z.number() }),
});

const compactionBody = z.object({ compaction: z.object({ session: z.string(), from: z.number() }) });

const endedBody = z.object({
  ended: z.object({ session: z.string(), lane: z.string(), turn: z.string(), first: z.number() }),
});

/** The least that makes Lambda start an environment of the turn function. */
const wakeBody = z.object({ wake: z.literal(true) });

/** What the turn queue carries. */
export type TurnMessage = TurnJob | { compaction: CompactionJob } | { ended: EndedTurnJob } | { wake: true };

/** Parses the body of a message in the turn queue. Throws on anything else. */
export function parseTurnMessage(body: string): TurnMessage {
  const message = z.union([jobBody, compactionBody, endedBody, wakeBody]).parse(JSON.parse(body));
  if ('wake' in message) return message;
  if ('ended' in message) {
    const { session, lane, turn, first } = message.ended;
    return {
      ended: { session: asSessionKey(session), lane: asLaneId(lane), turn: asTurnId(turn), first },
    };
  }
  if (!('compaction' in message)) return jobOf(message);
  const { session, from } = message.compaction;
  return { compaction: { session: asSessionKey(session), from } };
}

const jobOf = ({ session, lane, slot }: z.infer<typeof jobBody>): TurnJob => ({
  session: asSessionKey(session),
  lane: asLaneId(lane),
  slot: asSlotId(slot),
});

const replayBody = z.object({ replay: z.object({ connection: z.string(), mark: z.number() }) });

const greetingBody = z.object({ greeting: z.object({ connection: z.string() }) });

const forkBody = z.object({ fork: z.object({ session: z.string(), connection: z.string() }) });

/** What the deadline queue carries. */
type DeadlineMessage =
  | TurnJob
  | { deletion: Deletion }
  | { replay: ReplayJob }
  | { greeting: GreetingJob }
  | { fork: ForkJob };

/** Parses the body of a message in the deadline queue. Throws on anything else. */
export function parseDeadline(body: string): DeadlineMessage {
  const message = z
    .union([jobBody, deletionBody, replayBody, greetingBody, forkBody])
    .parse(JSON.parse(body));
  if ('replay' in message) {
    const { connection, mark } = message.replay;
    return { replay: { connection: asConnectionId(connection), mark } };
  }
  if ('greeting' in message) return { greeting: { connection: asConnectionId(message.greeting.connection) } };
  if ('fork' in message) {
    const { session, connection } = message.fork;
    return { fork: { session: asSessionKey(session), connection: asConnectionId(connection) } };
  }
  if (!('deletion' in message)) return jobOf(message);
  const { session, at, until } = message.deletion;
  return { deletion: { session: asSessionKey(session), at: epochMs(at), until: epochMs(until) } };
}

const delaySeconds = (delay: Seconds) => Math.min(900, Math.max(0, Math.ceil(delay)));

/** SQS allows ids of 128 characters without spaces. A session's key may be longer and may contain any character. */
export const messageGroupOf = (session: SessionKey): string =>
  createHash('sha256').update(session).digest('hex');

export function sqsQueues(
  turnQueueUrl: string,
  deadlineQueueUrl: string,
  config: SQSClientConfig = {},
): Queues {
  const client = new SQSClient({ ...SQS_OPTIONS, ...config });
  async function later(message: DeadlineMessage, delay: Seconds): Promise<void> {
    await client.send(
      new SendMessageCommand({
        QueueUrl: deadlineQueueUrl,
        MessageBody: JSON.stringify(message),
        DelaySeconds: delaySeconds(delay),
      }),
    );
  }
  return {
    async sendJob(job, sender) {
      await client.send(
        new SendMessageCommand({
          QueueUrl: turnQueueUrl,
          MessageBody: JSON.stringify(job),
          MessageGroupId: messageGroupOf(job.session),
          MessageDeduplicationId: `${job.slot}#${sender}`,
        }),
      );
    },
    async sendCompaction(compaction, sender) {
      await client.send(
        new SendMessageCommand({
          QueueUrl: turnQueueUrl,
          MessageBody: JSON.stringify({ compaction }),
          MessageGroupId: `${messageGroupOf(compaction.session)}#compaction`,
          MessageDeduplicationId: `compaction#${sender}`,
        }),
      );
    },
    async sendEnded(ended, sender) {
      await client.send(
        new SendMessageCommand({
          QueueUrl: turnQueueUrl,
          MessageBody: JSON.stringify({ ended }),
          MessageGroupId: `${messageGroupOf(ended.session)}#ended`,
          MessageDeduplicationId: `ended#${sender}`,
        }),
      );
    },
    sendDeadline: (job, delay) => later(job, delay),
    sendReplay: (replay, delay) => later({ replay }, delay),
    sendGreeting: (greeting, delay) => later({ greeting }, delay),
    sendFork: (fork, delay) => later({ fork }, delay),
    sendDeletion: (deletion, delay) => later({ deletion }, delay),
  };
}

/**
 * Sends a message that is no turn job to the dead-letter queue. In the turn queue it would come back until its
 * receive count is used up, and block its session meanwhile. That count is high, because each handover of a turn uses
 * one.
 */
export function deadLetters(
  queueUrl: string,
  client: SQSClient = new SQSClient(SQS_OPTIONS),
): { send(message: { messageId: string; body: string }): Promise<void> } {
  return {
    async send({ messageId, body }) {
      await client.send(
        new SendMessageCommand({
          QueueUrl: queueUrl,
          MessageBody: body,
          // Its own group, so that it does not block dead letters that can be redriven.
          MessageGroupId: messageId,
          MessageDeduplicationId: messageId,
        }),
      );
    },
  };
}

/** Sends what starts an environment of the turn function, in a group of its own: nothing waits behind it. */
export async function wakeTurnFunction(
  queueUrl: string,
  id: string,
  client: SQSClient = new SQSClient(SQS_OPTIONS),
): Promise<void> {
  await client.send(
    new SendMessageCommand({
      QueueUrl: queueUrl,
      MessageBody: JSON.stringify({ wake: true } satisfies TurnMessage),
      MessageGroupId: `wake#${id}`,
      MessageDeduplicationId: id,
    }),
  );
}
