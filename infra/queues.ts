import { DeduplicationScope, FifoThroughputLimit, Queue } from 'aws-cdk-lib/aws-sqs';
import { Duration } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';

export interface Queues {
  /** Tokens: one message per slot of a session, one group per session. */
  turn: Queue;
  /** Tokens that were received too often; `redrive` sends them again, so no session stays blocked. */
  deadTurn: Queue;
  /** Delayed by a turn's longest wait: tells it that its time is up. */
  deadline: Queue;
  /** Deadlines that could not be told. Nobody depends on one: whoever next looks at the lane sees that it is late. */
  deadDeadline: Queue;
}

export type QueueName = keyof Queues;

/** A hand-over counts as a receive, and one turn may be handed over many times. 1000 is the most that SQS takes. */
const TURN_RECEIVES = 1000;
const DEADLINE_RECEIVES = 20;

/** Lambda demands of a queue that its messages stay hidden at least as long as their function may run. */
const SHORT_VISIBILITY = Duration.seconds(60);
const LONGEST_RETENTION = Duration.days(14);

/** Groups are sessions: neither order nor deduplication reaches past one, which is what high throughput demands. */
const PER_SESSION = {
  fifo: true,
  contentBasedDeduplication: false,
  deduplicationScope: DeduplicationScope.MESSAGE_GROUP,
  fifoThroughputLimit: FifoThroughputLimit.PER_MESSAGE_GROUP_ID,
} as const;

export function createQueues(scope: Construct, turnTimeout: Duration): Queues {
  const deadTurn = new Queue(scope, 'DeadTurnQueue', {
    ...PER_SESSION,
    visibilityTimeout: SHORT_VISIBILITY,
    retentionPeriod: LONGEST_RETENTION,
  });
  const deadDeadline = new Queue(scope, 'DeadDeadlineQueue', { retentionPeriod: LONGEST_RETENTION });
  return {
    turn: new Queue(scope, 'TurnQueue', {
      ...PER_SESSION,
      visibilityTimeout: turnTimeout,
      retentionPeriod: LONGEST_RETENTION,
      deadLetterQueue: { queue: deadTurn, maxReceiveCount: TURN_RECEIVES },
    }),
    deadTurn,
    deadline: new Queue(scope, 'DeadlineQueue', {
      visibilityTimeout: SHORT_VISIBILITY,
      deadLetterQueue: { queue: deadDeadline, maxReceiveCount: DEADLINE_RECEIVES },
    }),
    deadDeadline,
  };
}
