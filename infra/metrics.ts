import { MathExpression, Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { Duration } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import { METRICS, METRICS_NAMESPACE, type MetricName, type SplitMetric } from '../config/metrics.ts';
import { nameOf } from './name.ts';

export const PERIOD = Duration.minutes(5);

/** A metric that the functions of this Midturn emit: its total, or the part for one value of its dimension. */
export function midturnMetric(
  scope: Construct,
  name: MetricName,
  options: { statistic?: string; label?: string; value?: string; period?: Duration } = {},
): Metric {
  const spec: { unit: string; dimension?: string } = METRICS[name];
  const {
    statistic = spec.unit === 'Milliseconds' ? Stats.p(50) : Stats.SUM,
    label = name,
    value,
    period = PERIOD,
  } = options;
  return new Metric({
    namespace: METRICS_NAMESPACE,
    metricName: name,
    dimensionsMap: {
      stack: nameOf(scope),
      ...(spec.dimension && value !== undefined && { [spec.dimension]: value }),
    },
    statistic,
    label,
    period,
  });
}

/** One line for each value of the metric's dimension. */
export function midturnMetricBySplit(scope: Construct, name: SplitMetric): MathExpression {
  const { dimension } = METRICS[name];
  return new MathExpression({
    expression: `SEARCH('{${METRICS_NAMESPACE},stack,${dimension}} MetricName="${name}" stack="${nameOf(scope)}"', 'Sum', ${PERIOD.toSeconds()})`,
    usingMetrics: {},
    // Empty, so that CloudWatch labels each line with its value.
    label: '',
    period: PERIOD,
  });
}
