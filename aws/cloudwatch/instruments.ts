import type { Context } from 'aws-lambda';
import type { FunctionName } from '../../config/function-names.ts';
import { readLogLevel, readLogSessionsPercent } from '../../config/settings/logs.ts';
import type { Environment } from '../../config/settings/setting.ts';
import type { Log, Metrics, Milestones } from '../../core/ports.ts';
import { embeddedMetrics, noMetrics } from './emf.ts';
import { structuredLog } from './log.ts';
import { loggedMilestones } from './milestones.ts';

/** A function's log and metrics. */
export interface Instruments {
  log: Log;
  metrics: Metrics;
  milestones: Milestones;
  /** Runs one invocation: adds its request id to the log lines, and writes the metrics in one line at its end. */
  invocation<T>(context: Context, work: () => Promise<T>): Promise<T>;
}

/**
 * Call it once per execution environment, which handles one invocation at a time.
 * @param name the function's, by which caught errors are counted
 */
export function instrumentsOf(env: Environment, name: FunctionName): Instruments {
  const stack = env.MIDTURN_STACK;
  const metrics = stack
    ? embeddedMetrics(stack, (line) => process.stdout.write(`${line}\n`), Date.now)
    : noMetrics;
  const { begin, ...lines } = structuredLog(readLogLevel(env));
  return {
    log: counting(lines, () => metrics.countBy('CaughtErrors', name)),
    metrics,
    milestones: loggedMilestones(lines, readLogSessionsPercent(env)),
    async invocation(context, work) {
      begin(context);
      try {
        return await work();
      } finally {
        metrics.flush();
      }
    },
  };
}

/**
 * The same log. Each line of level ERROR is counted, whether the level is printed or not: such a line stands for an error
 * that was caught, so that Lambda does not see it.
 */
const counting = (log: Log, count: () => void): Log => ({
  ...log,
  error: (message, fields) => {
    count();
    log.error(message, fields);
  },
  with: (fields) => counting(log.with(fields), count),
});
