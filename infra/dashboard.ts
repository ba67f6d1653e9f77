import {
  type Alarm,
  AlarmStatusWidget,
  Dashboard,
  GraphWidget,
  type IMetric,
  Stats,
} from 'aws-cdk-lib/aws-cloudwatch';
import { Duration } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import type { Watched } from './alarms.ts';
import { midturnMetric, midturnMetricBySplit, PERIOD } from './metrics.ts';

const WIDTH = 8;
const HALF_AND_TAIL = [
  ['p50', Stats.p(50)],
  ['p99', Stats.p(99)],
] as const;

/** Creates one page of graphs: at the top what users notice, at the bottom what the AWS services do. */
export function createDashboard(scope: Construct, watched: Watched, alarms: readonly Alarm[]): Dashboard {
  const graph = (title: string, ...left: IMetric[]) =>
    new GraphWidget({ title, left, width: WIDTH, period: PERIOD });
  const midturn = (...names: Parameters<typeof midturnMetric>[1][]) =>
    names.map((name) => midturnMetric(scope, name));
  const spread = (name: Parameters<typeof midturnMetric>[1]) =>
    HALF_AND_TAIL.map(([label, statistic]) => midturnMetric(scope, name, { statistic, label }));
  const { functions, queues, table, stage } = watched;
  const stageMetric = (name: string, statistic: string) => stage.metric(name, { statistic, label: name });
  const byFunction = (metric: 'metricErrors' | 'metricThrottles' | 'metricDuration', statistic: string) =>
    Object.entries(functions).map(([label, fn]) => fn[metric]({ statistic, label, period: PERIOD }));
  const longest = { statistic: Stats.MAXIMUM, period: PERIOD };
  return new Dashboard(scope, 'Dashboard', {
    defaultInterval: Duration.hours(3),
    widgets: [
      ...(alarms.length > 0
        ? [[new AlarmStatusWidget({ title: 'Alarms', alarms: [...alarms], width: 3 * WIDTH, height: 3 })]]
        : []),
      [
        graph('Turns by outcome', midturnMetricBySplit(scope, 'Turns')),
        graph('First chunk, ms', ...spread('FirstChunk')),
        graph('Turn, ms', ...spread('TurnTime')),
      ],
      [
        graph('Wait for the session, ms', ...spread('QueueWait')),
        graph('Steering', ...midturn('SteeringAccepted', 'SteeringTakenIn')),
        graph('Refusals by code', midturnMetricBySplit(scope, 'Refused')),
      ],
      [
        graph('Workers', ...midturn('TakeOvers', 'HandOvers', 'SetDowns', 'Fenced')),
        graph('Posts that failed', ...midturn('PostsGone', 'PostsThrottled')),
        graph('Model failures by code', midturnMetricBySplit(scope, 'ModelFailures')),
      ],
      [
        graph('Tokens read, by model', midturnMetricBySplit(scope, 'InputTokens')),
        graph('Tokens written, by model', midturnMetricBySplit(scope, 'OutputTokens')),
        graph('Tokens thought, by model', midturnMetricBySplit(scope, 'ReasoningTokens')),
      ],
      [
        graph('Tokens from the provider’s cache, by model', midturnMetricBySplit(scope, 'CacheReadTokens')),
        graph('Tokens to the provider’s cache, by model', midturnMetricBySplit(scope, 'CacheWriteTokens')),
        graph('Cost, by model', midturnMetricBySplit(scope, 'Cost')),
      ],
      [
        graph('Messages', ...midturn('MessagesAccepted', 'MessagesAnswered')),
        graph('Model calls', ...midturn('Steps', 'CacheHits', 'Fallbacks')),
        graph(
          'Connections and frames',
          stageMetric('ConnectCount', Stats.SUM),
          stageMetric('MessageCount', Stats.SUM),
          stageMetric('ClientError', Stats.SUM),
          stageMetric('ExecutionError', Stats.SUM),
          stageMetric('IntegrationError', Stats.SUM),
        ),
      ],
      [
        graph('Function errors', ...byFunction('metricErrors', Stats.SUM)),
        graph('Function throttles', ...byFunction('metricThrottles', Stats.SUM)),
        graph('Function duration p99, ms', ...byFunction('metricDuration', Stats.p(99))),
      ],
      [
        graph('Turn queue: oldest, s', queues.turn.metricApproximateAgeOfOldestMessage(longest)),
        graph(
          'Turn queue: messages',
          queues.turn.metricApproximateNumberOfMessagesVisible({ ...longest, label: 'waiting' }),
          queues.turn.metricApproximateNumberOfMessagesNotVisible({ ...longest, label: 'running' }),
        ),
        graph(
          'Dead letters',
          queues.deadTurn.metricApproximateNumberOfMessagesVisible({ ...longest, label: 'turns' }),
          queues.deadTurn.metricApproximateNumberOfMessagesNotVisible({ ...longest, label: 'turns, hidden' }),
          queues.deadDeadline.metricApproximateNumberOfMessagesVisible({ ...longest, label: 'deadlines' }),
          ...(queues.deadSend
            ? [queues.deadSend.metricApproximateNumberOfMessagesVisible({ ...longest, label: 'messages' })]
            : []),
          midturnMetric(scope, 'DeadLetters', { label: 'put aside' }),
        ),
      ],
      [
        graph(
          'Table throttles',
          ...['ReadThrottleEvents', 'WriteThrottleEvents'].map((name) =>
            table.metric(name, { statistic: Stats.SUM, period: PERIOD, label: name }),
          ),
        ),
        graph(
          'Table units',
          ...['ConsumedReadCapacityUnits', 'ConsumedWriteCapacityUnits'].map((name) =>
            table.metric(name, { statistic: Stats.SUM, period: PERIOD, label: name }),
          ),
        ),
        graph('Failures of MCP servers', midturnMetricBySplit(scope, 'McpFailures')),
      ],
      [
        graph('Approvals by decision', midturnMetricBySplit(scope, 'Approvals')),
        graph('Prompts sent again, by form', midturnMetricBySplit(scope, 'PromptsReshaped')),
        graph('Caught errors by function', midturnMetricBySplit(scope, 'CaughtErrors')),
      ],
      [
        graph('Messages withdrawn, by code', midturnMetricBySplit(scope, 'MessagesWithdrawn')),
        graph('Summaries by outcome', midturnMetricBySplit(scope, 'Compactions')),
        graph('Refusals by a spent budget', midturnMetricBySplit(scope, 'BudgetRefusals')),
        graph('Cost of summaries, by model', midturnMetricBySplit(scope, 'CompactionCost')),
      ],
      [
        graph('Tokens read for summaries, by model', midturnMetricBySplit(scope, 'CompactionInputTokens')),
        graph(
          'Tokens written for summaries, by model',
          midturnMetricBySplit(scope, 'CompactionOutputTokens'),
        ),
        ...(watched.tellsBus ? [graph('Events that the bus did not take', ...midturn('BusEventsLost'))] : []),
        graph('Calls that clients run, by outcome', midturnMetricBySplit(scope, 'ClientCalls')),
      ],
      [
        graph('Refusals by hooks of the agent', midturnMetricBySplit(scope, 'HookRefusals')),
        graph('Hooks of the agent that failed', midturnMetricBySplit(scope, 'HookFailures')),
        graph('Titles by outcome', midturnMetricBySplit(scope, 'Titles')),
      ],
      [graph('Turns by agent', midturnMetricBySplit(scope, 'AgentTurns'))],
    ],
  });
}
