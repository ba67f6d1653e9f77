import type { PrepareStepFunction, StopCondition, ToolSet } from 'ai';
import type { LoopControl } from '../../core/model.ts';
import { sdkSteps } from './sdk-steps.ts';

export type StopWhen = StopCondition<ToolSet> | readonly StopCondition<ToolSet>[];

/** What the agent's code decides between steps. Undefined: it does not look back at them. */
export function loopControlOf({
  stopWhen,
  prepareStep,
}: {
  stopWhen?: StopWhen;
  prepareStep?: PrepareStepFunction<ToolSet>;
}): LoopControl | undefined {
  if (stopWhen === undefined && prepareStep === undefined) return undefined;
  const conditions = typeof stopWhen === 'function' ? [stopWhen] : (stopWhen ?? []);
  return {
    async isStopped(steps) {
      const met = await Promise.all(conditions.map((condition) => condition({ steps: sdkSteps(steps) })));
      return met.includes(true);
    },
  };
}
