import type { WebSocketStage } from 'aws-cdk-lib/aws-apigatewayv2';
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
import { Duration } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import type { Functions } from './functions.ts';
import { midturnMetric, PERIOD } from './metrics.ts';
import type { Queues } from './queues.ts';

/** What an alarm watches, and when it goes off. docs/operations.md has a section of the same name. */
interface AlarmSpec
  extends Pick<CreateAlarmOptions, 'evaluationPeriods' | 'datapointsToAlarm' | 'threshold'> {
  /** What has happened, in one sentence. A link to the section of docs/operations.md is added. */
  description: string;
  metric: IMetric;
}

export const ALARM_NAMES = [
  'DeadTurns',
  'DeadDeadlines',
  'DeadMessages',
  'TurnErrors',
  'TurnQueueAge',
  'FailedTurns',
  'UnansweredMessages',
  'CaughtErrors',
  'InboundErrors',
  'AuthorizerErrors',
  'Refusals',
  'FunctionThrottles',
  'TableThrottles',
  'PostThrottles',
  'BusEventsLost',
] as const;
export type AlarmName = (typeof ALARM_NAMES)[number];
export type Alarms = Readonly<Partial<Record<AlarmName, Alarm>>>;

export interface Watched {
  functions: Functions;
  queues: Queues;
  table: Table;
  stage: WebSocketStage;
  turnTimeout: Duration;
  /** Functions put events on an event bus. */
  tellsBus: boolean;
}

const HOUR = Duration.hours(1);

/** From this number of turns on, the share of failed turns means something. */
const ENOUGH_TURNS = 10;
/** From this number of messages in an hour on, the share of unanswered ones means something. */
const ENOUGH_MESSAGES = 50;
/** A refused token is an error of the authorizer. From this number of handshakes on, a high share of errors is its own fault. */
const ENOUGH_HANDSHAKES = 20;
/** Ten a second. Far below the throttles, and more than users whose tokens have ended make. */
const MANY_REFUSALS = 10 * PERIOD.toSeconds();
/** A turn that lasts more than this many time limits needs attention. */
const LONG_TURN = 3;

/** Creates the alarms. CloudFormation names them `{stack}-…`. They are sent to the topic, if there is one. */
export function createAlarms(scope: Construct, watched: Watched, topic?: ITopic): Alarms {
  const alarms = new Construct(scope, 'Alarms');
  const specs = alarmSpecs(scope, watched);
  const create = (name: AlarmName, { description, ...spec }: AlarmSpec): Alarm => {
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
  return Object.fromEntries(
    ALARM_NAMES.flatMap((name) => {
      const spec = specs[name];
      return spec ? [[name, create(name, spec)]] : [];
    }),
  );
}

/** @returns nothing for an alarm whose part this Midturn does not have */
function alarmSpecs(
  scope: Construct,
  { functions, queues, table, stage, turnTimeout, tellsBus }: Watched,
): Record<AlarmName, AlarmSpec | undefined> {
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
    DeadMessages: queues.deadSend && {
      ...once,
      description: 'Messages of the application were not taken: they lie in the dead-letter queue.',
      metric: held(queues.deadSend),
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
    UnansweredMessages: {
      evaluationPeriods: 1,
      description: 'More than a fifth of the messages of an hour were neither answered nor withdrawn in it.',
      metric: new MathExpression({
        expression: `IF(accepted >= ${ENOUGH_MESSAGES}, 100 * (accepted - FILL(answered, 0) - FILL(withdrawn, 0)) / accepted, 0)`,
        usingMetrics: {
          accepted: midturnMetric(scope, 'MessagesAccepted', { period: HOUR }),
          answered: midturnMetric(scope, 'MessagesAnswered', { period: HOUR }),
          withdrawn: midturnMetric(scope, 'MessagesWithdrawn', { period: HOUR }),
        },
        label: 'Unanswered messages, %',
        period: HOUR,
      }),
      threshold: 20,
    },
    CaughtErrors: {
      // Not one period of five minutes: its alarm would come up to five minutes after the third error. A turn that keeps
      // failing is tried again several times a minute.
      evaluationPeriods: 5,
      datapointsToAlarm: 3,
      description: 'Functions keep catching errors: a denied or unreachable table, queue or secret.',
      metric: midturnMetric(scope, 'CaughtErrors', { period: Duration.minutes(1) }),
      threshold: 1,
    },
    InboundErrors: {
      ...once,
      description: 'Frames or connections failed in the inbound or connection function.',
      metric: sum(
        [
          ...[functions.inbound, functions.connection].map((fn) =>
            fn.metricErrors({ period: PERIOD, statistic: Stats.SUM }),
          ),
          // The inbound function catches errors, and tells its client.
          midturnMetric(scope, 'CaughtErrors', { value: 'inbound' }),
        ],
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
    Refusals: {
      ...once,
      description:
        'Ten handshakes or frames a second are refused: a flood, or clients that try again and again.',
      // `ClientError` counts what API Gateway refuses before a function of a route is asked: throttled handshakes and frames, and
      // handshakes that the authorizer refused. `IntegrationError` counts what those functions refuse, as handshakes over the limit
      // of a principal. Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-logging.html
      metric: sum(
        ['ClientError', 'IntegrationError'].map((name) =>
          stage.metric(name, { period: PERIOD, statistic: Stats.SUM }),
        ),
        'Refused handshakes and frames',
      ),
      threshold: MANY_REFUSALS,
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
    BusEventsLost: tellsBus
      ? {
          ...once,
          description:
            'The event bus did not take events: nobody is told of them again, except of deletions.',
          metric: midturnMetric(scope, 'BusEventsLost'),
          threshold: 1,
        }
      : undefined,
  };
}

/** All messages of a queue, including hidden ones: a dead letter is hidden most of the time. */
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
