import {
  Alarm,
  type CreateAlarmOptions,
  type IMetric,
  ComparisonOperator as Is,
  MathExpression,
  Stats,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Duration } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import type { Functions } from './functions.ts';
import { midturnMetric, PERIOD } from './metrics.ts';
import type { Queues } from './queues.ts';

/** What an alarm watches, and when it calls. Its section of docs/operations.md bears its name. */
interface AlarmSpec extends Pick<CreateAlarmOptions, 'evaluationPeriods' | 'threshold'> {
  /** Ends with what it means, in one sentence; where to read on is added. */
  description: string;
  metric: IMetric;
}

export const ALARM_NAMES = [
  'DeadTurns',
  'DeadDeadlines',
  'TurnErrors',
  'TurnQueueAge',
  'FailedTurns',
  'InboundErrors',
  'AuthorizerErrors',
  'FunctionThrottles',
  'TableThrottles',
  'PostThrottles',
] as const;
export type AlarmName = (typeof ALARM_NAMES)[number];

export interface Watched {
  functions: Functions;
  queues: Queues;
  table: Table;
  turnTimeout: Duration;
}

/** Failed turns in percent of all, where there are enough for a share to mean something. */
const ENOUGH_TURNS = 10;
/** Refused tokens are errors of the authorizer: only if it refuses most of many, it is the authorizer's own fault. */
const ENOUGH_HANDSHAKES = 20;
/** How many time limits a turn may last before somebody should look at it. */
const LONG_TURN = 3;

/** The alarms, each called `{stack}-…` by CloudFormation, and sent to the topic if there is one. */
export function createAlarms(scope: Construct, watched: Watched, topic?: ITopic): Record<AlarmName, Alarm> {
  const alarms = new Construct(scope, 'Alarms');
  const specs = alarmSpecs(scope, watched);
  const create = (name: AlarmName): Alarm => {
    const { description, ...spec } = specs[name];
    const alarm = new Alarm(alarms, name, {
      ...spec,
      alarmDescription: `${description} See docs/operations.md#${name.toLowerCase()}.`,
      comparisonOperator: Is.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
    if (topic) {
      alarm.addAlarmAction(new SnsAction(topic));
      alarm.addOkAction(new SnsAction(topic));
    }
    return alarm;
  };
  return Object.fromEntries(ALARM_NAMES.map((name) => [name, create(name)])) as Record<AlarmName, Alarm>;
}

function alarmSpecs(
  scope: Construct,
  { functions, queues, table, turnTimeout }: Watched,
): Record<AlarmName, AlarmSpec> {
  const once = { evaluationPeriods: 1 };
  return {
    DeadTurns: {
      ...once,
      description:
        'Turn messages that cannot be read, or cannot be sent again, lie in the dead-letter queue.',
      metric: held(queues.deadTurn),
      threshold: 1,
    },
    DeadDeadlines: {
      ...once,
      description: 'Waiting turns could not be told that their time is up.',
      metric: held(queues.deadDeadline),
      threshold: 1,
    },
    TurnErrors: {
      ...once,
      description: 'Invocations of the turn function died: crash, memory or time limit.',
      metric: functions.turn.metricErrors({ period: PERIOD, statistic: Stats.SUM }),
      threshold: 3,
    },
    TurnQueueAge: {
      ...once,
      description: 'A turn has been waiting or running for longer than any should.',
      metric: queues.turn.metricApproximateAgeOfOldestMessage({ period: PERIOD, statistic: Stats.MAXIMUM }),
      threshold: LONG_TURN * turnTimeout.toSeconds(),
    },
    FailedTurns: {
      evaluationPeriods: 2,
      description: 'More than a tenth of the turns ended in an error.',
      metric: new MathExpression({
        expression: `IF(turns >= ${ENOUGH_TURNS}, 100 * FILL(failed, 0) / turns, 0)`,
        usingMetrics: {
          turns: midturnMetric(scope, 'Turns'),
          failed: midturnMetric(scope, 'Turns', { value: 'error' }),
        },
        label: 'Failed turns, %',
        period: PERIOD,
      }),
      threshold: 10,
    },
    InboundErrors: {
      ...once,
      description: 'Frames or connections failed in the inbound or connection function.',
      metric: sum(
        [functions.inbound, functions.connection].map((fn) =>
          fn.metricErrors({ period: PERIOD, statistic: Stats.SUM }),
        ),
        'Errors',
      ),
      threshold: 3,
    },
    AuthorizerErrors: {
      evaluationPeriods: 3,
      description: 'Most handshakes are refused: bad tokens of clients, or settings of the authorizer.',
      metric: new MathExpression({
        expression: `IF(asked >= ${ENOUGH_HANDSHAKES}, 100 * FILL(refused, 0) / asked, 0)`,
        usingMetrics: {
          asked: functions.authorizer.metricInvocations({ period: PERIOD, statistic: Stats.SUM }),
          refused: functions.authorizer.metricErrors({ period: PERIOD, statistic: Stats.SUM }),
        },
        label: 'Refused handshakes, %',
        period: PERIOD,
      }),
      threshold: 50,
    },
    FunctionThrottles: {
      ...once,
      description: 'Lambda refused invocations: the account has no execution environments left.',
      metric: sum(
        Object.values(functions).map((fn) => fn.metricThrottles({ period: PERIOD, statistic: Stats.SUM })),
        'Throttles',
      ),
      threshold: 1,
    },
    TableThrottles: {
      ...once,
      description: 'DynamoDB refused reads or writes.',
      metric: sum(
        ['ReadThrottleEvents', 'WriteThrottleEvents'].map((name) =>
          table.metric(name, { period: PERIOD, statistic: Stats.SUM }),
        ),
        'Throttled requests',
      ),
      threshold: 10,
    },
    PostThrottles: {
      ...once,
      description: 'API Gateway throttled posts to clients: the account’s requests per second are used up.',
      metric: midturnMetric(scope, 'PostsThrottled'),
      threshold: 50,
    },
  };
}

/** All messages of a queue, also those that somebody is looking at: a dead letter is mostly hidden. */
function held(queue: IQueue): MathExpression {
  return new MathExpression({
    expression: 'visible + hidden',
    usingMetrics: {
      visible: queue.metricApproximateNumberOfMessagesVisible({ period: PERIOD, statistic: Stats.MAXIMUM }),
      hidden: queue.metricApproximateNumberOfMessagesNotVisible({ period: PERIOD, statistic: Stats.MAXIMUM }),
    },
    label: 'Messages',
    period: PERIOD,
  });
}

function sum(metrics: readonly IMetric[], label: string): MathExpression {
  const usingMetrics = Object.fromEntries(metrics.map((metric, index) => [`m${index}`, metric]));
  return new MathExpression({
    expression: Object.keys(usingMetrics)
      .map((name) => `FILL(${name}, 0)`)
      .join(' + '),
    usingMetrics,
    label,
    period: PERIOD,
  });
}
