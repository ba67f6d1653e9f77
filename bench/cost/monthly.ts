import { synthesizeTemplate } from '../../local/synth.ts';
import { isMap } from '../../local/template/resolve.ts';
import { readStack } from '../../local/template/stack.ts';
import type { Resource } from '../../local/template/template.ts';
import { costOf, HOURS_A_MONTH, IDLE_POLLS, MONTHLY, PRICES } from './prices.ts';

/** What a stack costs in a month in which nobody uses it. */
export interface MonthlyCost {
  name: string;
  quantity: number;
  /** US dollars a month. */
  usd: number;
}

/** By the template, with the settings that somebody gets who chooses none. */
export async function idleMonth(): Promise<MonthlyCost[]> {
  const template = await synthesizeTemplate({ MIDTURN_MODEL: 'demo' });
  const stack = readStack(template, { sqsEndpoint: 'http://127.0.0.1:9' });
  // Nothing that the local cloud runs, so they are read as they stand.
  const ofType = (type: string) => Object.values(template.Resources).filter(({ Type }) => Type === type);
  const alarmMetrics = metricsOfAlarms(ofType('AWS::CloudWatch::Alarm'));
  const dashboards = ofType('AWS::CloudWatch::Dashboard').length;
  const polls = (HOURS_A_MONTH * 3600 * IDLE_POLLS.connections) / IDLE_POLLS.seconds;
  const queues = stack
    .ofType('AWS::Lambda::EventSourceMapping')
    .map(({ properties }) => stack.find('AWS::SQS::Queue', properties.text('EventSourceArn')));
  const fifo = queues.filter(({ properties }) => properties.all.FifoQueue === true).length * polls;
  const standard = queues.length * polls - fifo;
  return [
    { name: 'empty receives, FIFO', quantity: fifo, usd: costOf(PRICES.fifoRequests, fifo) },
    { name: 'empty receives, standard', quantity: standard, usd: costOf(PRICES.standardRequests, standard) },
    {
      name: 'alarms, by metric that they read',
      quantity: alarmMetrics,
      usd: costOf(MONTHLY.alarmMetric, alarmMetrics),
    },
    { name: 'dashboard', quantity: dashboards, usd: costOf(MONTHLY.dashboard, dashboards) },
  ];
}

/** An alarm on a formula is billed for each metric in it. */
function metricsOfAlarms(alarms: readonly Resource[]): number {
  return alarms
    .map(({ Properties }) => Properties?.Metrics)
    .reduce<number>(
      (sum, metrics) =>
        sum +
        (Array.isArray(metrics) ? metrics.filter((one) => isMap(one) && 'MetricStat' in one).length : 1),
      0,
    );
}
