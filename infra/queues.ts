import {
  DeduplicationScope,
  FifoThroughputLimit,
  Queue,
  QueueEncryption,
  type QueueProps,
} from 'aws-cdk-lib/aws-sqs';
import { Duration } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import { acknowledge } from './nag.ts';
import { nameOf } from './name.ts';

export interface Queues {
  /** Turn jobs: one message for each slot of a session, one message group for each session. */
  turn: Queue;
  /** Jobs that were received too often. `redrive` sends them again, so that no session stays blocked. */
  deadTurn: Queue;
  /** Messages that are delayed by a turn's longest wait, and end it. Also the messages that remove deleted sessions and greet silent connections. */
  deadline: Queue;
  /**
   * Deadlines and deletions that failed. A lost deadline does no harm: the next function that reads the lane sees that it is
   * late. A deletion must be sent again.
   */
  deadDeadline: Queue;
  /** Messages of the application that were not taken in three tries. Only where there is the function `send`. */
  deadSend?: Queue;
}

export type QueueName = keyof Queues;

/** A queue that the function which names it has. */
export function queueOf(queues: Queues, name: QueueName): Queue {
  const queue = queues[name];
  if (!queue) throw new Error(`there is no queue ${name}`);
  return queue;
}

/** A hand-over counts as a receive, and one turn may be handed over many times. 1000 is the maximum of SQS. */
const TURN_RECEIVES = 1000;
const DEADLINE_RECEIVES = 20;

/** Lambda requires that a queue hides its messages at least as long as their function may run. */
const SHORT_VISIBILITY = Duration.seconds(60);
/**
 * A dead letter that can be read is sent again at once and deleted. One that cannot be read waits for an operator, who gets
 * an alarm. Until then, it is not tried more often than this.
 */
const DEAD_LETTER_VISIBILITY = Duration.minutes(15);
const LONGEST_RETENTION = Duration.days(14);

/** A message group is a session. Order and deduplication within one group only: high throughput requires it. */
const PER_SESSION = {
  fifo: true,
  contentBasedDeduplication: false,
  deduplicationScope: DeduplicationScope.MESSAGE_GROUP,
  fifoThroughputLimit: FifoThroughputLimit.PER_MESSAGE_GROUP_ID,
} as const;

/** @param named whether queues are named after this Midturn. Otherwise CloudFormation names them. */
export function createQueues(
  scope: Construct,
  turnTimeout: Duration,
  { named, outsideMessages }: { named: boolean; outsideMessages: boolean },
): Queues {
  const create = (id: string, name: string, props: QueueProps) =>
    new Queue(scope, id, {
      ...props,
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      ...(named && { queueName: `${nameOf(scope)}-${name}${props.fifo ? '.fifo' : ''}` }),
    });
  const deadTurn = create('DeadTurnQueue', 'dead-turn', {
    ...PER_SESSION,
    visibilityTimeout: DEAD_LETTER_VISIBILITY,
    retentionPeriod: LONGEST_RETENTION,
  });
  const deadDeadline = create('DeadDeadlineQueue', 'dead-deadline', { retentionPeriod: LONGEST_RETENTION });
  const deadSend = outsideMessages
    ? create('DeadSendQueue', 'dead-send', { retentionPeriod: LONGEST_RETENTION })
    : undefined;
  for (const queue of [deadTurn, deadDeadline, ...(deadSend ? [deadSend] : [])]) {
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
    ...(deadSend && { deadSend }),
  };
}
