import { METRICS, METRICS_NAMESPACE, type MetricName, type MetricSpec } from '../../config/metrics.ts';
import type { Metrics } from '../../core/ports.ts';

/** CloudWatch's limit of values for one metric in one line. */
const MAX_VALUES = 100;

export interface BufferedMetrics extends Metrics {
  /** Writes the values that were recorded since the last call. */
  flush(): void;
}

export const noMetrics: BufferedMetrics = { count() {}, countBy() {}, time() {}, flush() {} };

/**
 * Metrics in CloudWatch's embedded metric format: CloudWatch makes metrics of log lines, so no call has to be
 * awaited. Each metric has the dimension `stack`. A split metric is also written with its own dimension added.
 * Source: "Specification: Embedded metric format", CloudWatch user guide.
 */
export function embeddedMetrics(
  stack: string,
  write: (line: string) => void,
  now: () => number,
): BufferedMetrics {
  /** Values by dimension and part (no part: the metrics that are not split), then by metric. */
  const lines = new Map<string, { dimensions: Record<string, string>; values: Map<MetricName, number[]> }>();

  const valuesOf = (name: MetricName, part?: string): number[] => {
    const { dimension }: MetricSpec = METRICS[name];
    const dimensions = dimension !== undefined && part !== undefined ? { [dimension]: part } : {};
    const key = JSON.stringify(dimensions);
    const line = lines.get(key) ?? { dimensions, values: new Map<MetricName, number[]>() };
    lines.set(key, line);
    const values = line.values.get(name) ?? [];
    line.values.set(name, values);
    return values;
  };
  const add = (values: number[], value: number) => {
    values[0] = (values[0] ?? 0) + value;
  };

  return {
    count: (name, value = 1) => add(valuesOf(name), value),
    countBy: (name, part, value = 1) => add(valuesOf(name, part), value),
    time: (name, duration) => valuesOf(name).push(Math.max(0, duration)),
    flush() {
      for (const { dimensions, values } of lines.values()) {
        for (const batch of batches(values)) {
          write(JSON.stringify(embedded({ stack, ...dimensions }, batch, now())));
        }
      }
      lines.clear();
    },
  };
}

function* batches(values: ReadonlyMap<MetricName, readonly number[]>): Generator<Map<MetricName, number[]>> {
  for (let from = 0; ; from += MAX_VALUES) {
    const batch = new Map<MetricName, number[]>();
    for (const [name, all] of values) {
      const some = all.slice(from, from + MAX_VALUES);
      if (some.length > 0) batch.set(name, some);
    }
    if (batch.size === 0) return;
    yield batch;
  }
}

function embedded(
  dimensions: Readonly<Record<string, string>>,
  values: ReadonlyMap<MetricName, readonly number[]>,
  timestamp: number,
): Record<string, unknown> {
  const names = Object.keys(dimensions);
  return {
    _aws: {
      Timestamp: timestamp,
      CloudWatchMetrics: [
        {
          Namespace: METRICS_NAMESPACE,
          Dimensions: names.length > 1 ? [names.slice(0, 1), names] : [names],
          Metrics: [...values.keys()].map((name) => ({ Name: name, Unit: METRICS[name].unit })),
        },
      ],
    },
    ...dimensions,
    ...Object.fromEntries([...values].map(([name, some]) => [name, some.length > 1 ? some : some[0]])),
  };
}
