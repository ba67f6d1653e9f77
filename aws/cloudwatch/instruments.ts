import type { Context } from 'aws-lambda';
import { readLogLevel } from '../../config/settings/logs.ts';
import type { Environment } from '../../config/settings/setting.ts';
import type { Log, Metrics } from '../../core/ports.ts';
import { embeddedMetrics, noMetrics } from './emf.ts';
import { structuredLog } from './log.ts';

/** A function's log and metrics. */
export interface Instruments {
  log: Log;
  metrics: Metrics;
  /** Runs one invocation: adds its request id to the log lines, and writes the metrics in one line at its end. */
  invocation<T>(context: Context, work: () => Promise<T>): Promise<T>;
}

/** Call it once per execution environment, which handles one invocation at a time. */
export function instrumentsOf(env: Environment): Instruments {
  const log = structuredLog(readLogLevel(env));
  const stack = env.MIDTURN_STACK;
  const metrics = stack
    ? embeddedMetrics(stack, (line) => process.stdout.write(`${line}\n`), Date.now)
    : noMetrics;
  return {
    log,
    metrics,
    async invocation(context, work) {
      log.begin(context);
      try {
        return await work();
      } finally {
        metrics.flush();
      }
    },
  };
}
