import {
  DeduplicationScope,
  FifoThroughputLimit,
  Queue,
  QueueEncryption,
  type QueueProps,
} from 'aws-cdk-lib/aws-sqs';
import { Duration, Stack } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import { acknowledge } from './nag.ts';

export interface Queues {
  /** Tokens: one message per slot of a session, one group per session. */
  turn: Queue;
  /** Tokens that were received too often; `redrive` sends them again, so no session stays blocked. */
  deadTurn: Queue;
  /** Delayed by a turn's longest wait: tells it that its time is up. And what removes deleted sessions. */
  deadline: Queue;
  /**
   * What could not be told or removed. Nobody depends on a deadline: whoever next looks at the lane sees that it is late. A
   * deletion is to be sent again.
   */
  deadDeadline: Queue;
}

export type QueueName = keyof Queues;

/** A hand-over counts as a receive, and one turn may be handed over many times. 1000 is the most that SQS takes. */
const TURN_RECEIVES = 1000;
const DEADLINE_RECEIVES = 20;

/** Lambda demands of a queue that its messages stay hidden at least as long as their function may run. */
const SHORT_VISIBILITY = Duration.seconds(60);
/**
 * A dead letter that can be read is sent again at once and gone. One that cannot waits for an operator, whom an alarm
 * has called: until then it need not be tried more often than this.
 */
const DEAD_LETTER_VISIBILITY = Duration.minutes(15);
const LONGEST_RETENTION = Duration.days(14);

/** Groups are sessions: neither order nor deduplication reaches past one, which is what high throughput demands. */
const PER_SESSION = {
  fifo: true,
  contentBasedDeduplication: false,
  deduplicationScope: DeduplicationScope.MESSAGE_GROUP,
  fifoThroughputLimit: FifoThroughputLimit.PER_MESSAGE_GROUP_ID,
} as const;

/** @param named whether queues are called after the stack, or as CloudFormation calls them */
export function createQueues(scope: Construct, turnTimeout: Duration, named: boolean): Queues {
  const create = (id: string, name: string, props: QueueProps) =>
    new Queue(scope, id, {
      ...props,
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      ...(named && { queueName: `${Stack.of(scope).stackName}-${name}${props.fifo ? '.fifo' : ''}` }),
    });
  const deadTurn = create('DeadTurnQueue', 'dead-turn', {
    ...PER_SESSION,
    visibilityTimeout: DEAD_LETTER_VISIBILITY,
    retentionPeriod: LONGEST_RETENTION,
  });
  const deadDeadline = create('DeadDeadlineQueue', 'dead-deadline', { retentionPeriod: LONGEST_RETENTION });
  for (const queue of [deadTurn, deadDeadline]) {
    acknowledge(queue, { 'Serverless-SQSRedrivePolicy': 'It is a dead-letter queue itself.' });
  }
  return {
    turn: create('TurnQueue', 'turn', {
      ...PER_SESSION,
      visibilityTimeout: turnTimeout,
      retentionPeriod: LONGEST_RETENTION,
      deadLetterQueue: { queue: deadTurn, maxReceiveCount: TURN_RECEIVES },
    }),
    deadTurn,
    deadline: create('DeadlineQueue', 'deadline', {
      visibilityTimeout: SHORT_VISIBILITY,
      deadLetterQueue: { queue: deadDeadline, maxReceiveCount: DEADLINE_RECEIVES },
    }),
    deadDeadline,
  };
}
