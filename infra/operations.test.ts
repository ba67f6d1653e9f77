import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { METRIC_DESCRIPTIONS, METRICS, METRICS_NAMESPACE } from '../config/metrics.ts';
import { ALARM_NAMES } from './alarms.ts';
import { synthesize } from './testing.ts';

const TOPIC = 'arn:aws:sns:eu-west-1:111122223333:ops';
const manual = readFileSync(join(import.meta.dirname, '..', 'docs', 'operations.md'), 'utf8');

interface MetricStat {
  Namespace: string;
  MetricName: string;
  Dimensions: { Name: string; Value: unknown }[];
}

function alarmsOf(props: Parameters<typeof synthesize>[0] = {}) {
  const found = synthesize(props).findResources('AWS::CloudWatch::Alarm');
  return Object.entries(found).map(([id, { Properties }]) => ({
    name: ALARM_NAMES.find((name) => new RegExp(`Alarms${name}[0-9A-F]{8}$`).test(id)),
    properties: Properties,
  }));
}

function metricsOf(properties: Record<string, unknown>): MetricStat[] {
  const { Metrics, ...one } = properties as unknown as MetricStat & {
    Metrics?: { MetricStat?: { Metric: MetricStat } }[];
  };
  return Metrics ? Metrics.flatMap(({ MetricStat }) => MetricStat?.Metric ?? []) : [one];
}

describe('alarms', () => {
  it('are complete, and each names its section of the manual', () => {
    const alarms = alarmsOf({ eventBus: true, outsideMessages: true });
    expect(alarms.map(({ name }) => name).sort()).toEqual([...ALARM_NAMES].sort());
    for (const { name, properties } of alarms) {
      const anchor = /See docs\/operations\.md#([a-z]+)\.$/.exec(properties.AlarmDescription)?.[1];
      expect(anchor).toBe(name?.toLowerCase());
      expect(manual).toMatch(new RegExp(`^### ${name}$`, 'm'));
    }
  });

  it('notify the topic when they begin and when they end, if there is one', () => {
    for (const { properties } of alarmsOf()) expect(properties).not.toHaveProperty('AlarmActions');
    for (const { properties } of alarmsOf({ alarmTopicArn: TOPIC })) {
      expect(properties).toMatchObject({ AlarmActions: [TOPIC], OKActions: [TOPIC] });
    }
  });

  it('watch metrics that the functions of this stack emit', () => {
    const own = alarmsOf()
      .flatMap(({ properties }) => metricsOf(properties))
      .filter(({ Namespace }) => Namespace === METRICS_NAMESPACE);
    expect(own.length).toBeGreaterThan(0);
    for (const { MetricName, Dimensions } of own) {
      expect(METRICS).toHaveProperty(MetricName);
      expect(Dimensions).toContainEqual({ Name: 'stack', Value: 'Midturn' });
    }
  });

  it('tell of each event that the bus did not take, where there is a bus', () => {
    const of = (props: Parameters<typeof synthesize>[0]) =>
      alarmsOf(props).find(({ name }) => name === 'BusEventsLost')?.properties;
    const lost = of({ eventBus: true });
    expect(metricsOf(lost ?? {})).toEqual([
      {
        Namespace: METRICS_NAMESPACE,
        MetricName: 'BusEventsLost',
        Dimensions: [{ Name: 'stack', Value: 'Midturn' }],
      },
    ]);
    expect(lost).toMatchObject({
      Metrics: [{ MetricStat: { Stat: 'Sum', Period: 300 } }],
      Threshold: 1,
      EvaluationPeriods: 1,
      TreatMissingData: 'notBreaching',
    });
    expect(alarmsOf()).not.toEqual([]);
    expect(of({})).toBeUndefined();
    expect(of({ eventBus: false })).toBeUndefined();
  });

  it('count a dead letter also while it is hidden', () => {
    const dead = alarmsOf().find(({ name }) => name === 'DeadTurns');
    expect(
      metricsOf(dead?.properties ?? {})
        .map(({ MetricName }) => MetricName)
        .sort(),
    ).toEqual(['ApproximateNumberOfMessagesNotVisible', 'ApproximateNumberOfMessagesVisible']);
  });

  it('tell of errors that functions catch within five minutes', () => {
    const caught = alarmsOf().find(({ name }) => name === 'CaughtErrors')?.properties;
    // Three minutes with an error, of the last five.
    expect(caught).toMatchObject({ Threshold: 1, DatapointsToAlarm: 3, EvaluationPeriods: 5 });
    expect(caught?.Metrics).toMatchObject([{ MetricStat: { Period: 60, Stat: 'Sum' } }]);
    const inbound = alarmsOf().find(({ name }) => name === 'InboundErrors');
    expect(metricsOf(inbound?.properties ?? {})).toContainEqual({
      Namespace: METRICS_NAMESPACE,
      MetricName: 'CaughtErrors',
      Dimensions: expect.arrayContaining([{ Name: 'function', Value: 'inbound' }]),
    });
  });

  it('tell of refusals, which API Gateway counts for the stage: those before a function is asked, and those by it', () => {
    const refusals = alarmsOf().find(({ name }) => name === 'Refusals')?.properties;
    const metrics = metricsOf(refusals ?? {});
    expect(metrics.map(({ Namespace, MetricName }) => `${Namespace} ${MetricName}`)).toEqual([
      'AWS/ApiGateway ClientError',
      'AWS/ApiGateway IntegrationError',
    ]);
    for (const { Dimensions } of metrics)
      expect(Dimensions.map(({ Name }) => Name).sort()).toEqual(['ApiId', 'Stage']);
    expect(refusals).toMatchObject({
      Threshold: 3000,
      EvaluationPeriods: 1,
      TreatMissingData: 'notBreaching',
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
    });
  });

  it('call a turn too old only after several time limits', () => {
    const age = alarmsOf({ turnTimeoutSeconds: 100 }).find(({ name }) => name === 'TurnQueueAge');
    expect(age?.properties.Threshold).toBe(300);
  });
});

it('the page of costs counts the metrics, and what alarms read, as they are', () => {
  const page = readFileSync(join(import.meta.dirname, '..', 'docs', 'cost.md'), 'utf8');
  const digits = ['no', 'One', 'Two', 'Three', 'Four', 'Five', 'Six', 'Seven', 'Eight', 'Nine'];
  const teens = ['Ten', 'Eleven', 'Twelve', 'Thirteen', 'Fourteen', 'Fifteen', 'Sixteen', 'Seventeen'];
  const more = ['Twenty', 'Twenty-one', 'Twenty-two', 'Twenty-three', 'Twenty-four'];
  const words = [...digits, ...teens, 'Eighteen', 'Nineteen', ...more];
  const split = Object.values(METRICS).filter((spec) => 'dimension' in spec);
  const all = Object.keys(METRICS).length;
  expect(page).toContain(`\`config/metrics.ts\` names ${all}. ${words[split.length]} are split`);
  expect(page).toContain(`All ${all} in use all month`);
  const read = alarmsOf().flatMap(({ properties }) => metricsOf(properties)).length;
  expect(page).toContain(`| alarms, by metric that they read | ${read} | ${(read / 10).toFixed(2)} |`);
});

it('the manual describes every metric with the words of the table', () => {
  for (const [name, description] of Object.entries(METRIC_DESCRIPTIONS)) {
    expect(manual).toMatch(new RegExp(`^\\| \`${name}\` \\|.*\\| ${description} \\|$`, 'm'));
  }
});

describe('the dashboard', () => {
  const [dashboard] = Object.values(
    synthesize({ eventBus: true }).findResources('AWS::CloudWatch::Dashboard'),
  );
  const body = JSON.stringify(dashboard?.Properties.DashboardBody);

  it('shows every metric that the functions emit', () => {
    for (const name of Object.keys(METRICS)) expect(body).toMatch(new RegExp(`\\\\"${name}\\\\`));
  });

  /** What is counted, of AWS's own metrics. The others are times, ages and levels. */
  const COUNTED =
    /^(ConnectCount|MessageCount|ClientError|ExecutionError|IntegrationError|Errors|Throttles|(Read|Write)ThrottleEvents|Consumed(Read|Write)CapacityUnits)$/;

  it('adds up what is counted, and shows the longest of what has an age or a level', () => {
    // The body is text with references in between, which stand for parts of texts.
    const text = (
      dashboard as { Properties: { DashboardBody: { 'Fn::Join': [string, unknown[]] } } }
    ).Properties.DashboardBody['Fn::Join'][1]
      .map((part) => (typeof part === 'string' ? part : 'ref'))
      .join('');
    const { widgets } = JSON.parse(text) as { widgets: { properties: { metrics?: unknown[][] } }[] };
    const shown = widgets.flatMap(({ properties: { metrics = [] } }) =>
      metrics.flatMap((row) => {
        const [namespace, name] = row;
        const { stat = 'Average' } = row.at(-1) as { stat?: string };
        return typeof name === 'string' && String(namespace).startsWith('AWS/') ? [{ name, stat }] : [];
      }),
    );
    for (const { name, stat } of shown)
      expect([name, stat]).toEqual([
        name,
        COUNTED.test(name) ? 'Sum' : expect.stringMatching(/^(p99|Maximum)$/),
      ]);
    expect(shown.filter(({ name }) => COUNTED.test(name)).length).toBeGreaterThan(8);
  });

  it('splits a metric with a dimension by all of its values', () => {
    for (const [name, spec] of Object.entries(METRICS)) {
      if ('dimension' in spec) expect(body).toContain(`{${METRICS_NAMESPACE},stack,${spec.dimension}}`);
      if ('dimension' in spec) expect(body).toMatch(new RegExp(`SEARCH[^)]*${name}[^)]*Midturn`));
    }
  });
});
