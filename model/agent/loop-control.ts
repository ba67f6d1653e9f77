import type { PrepareStepFunction, StopCondition, ToolSet } from 'ai';
import type { LoopControl } from '../../core/model.ts';
import { type AgentOutput, outputReader } from './output.ts';
import { sdkSteps } from './sdk-steps.ts';

export type StopWhen = StopCondition<ToolSet> | readonly StopCondition<ToolSet>[];

/** What the agent's code decides between steps. Undefined: it does not look back at them, and answers have no form. */
export function loopControlOf({
  stopWhen,
  prepareStep,
  output,
}: {
  stopWhen?: StopWhen;
  prepareStep?: PrepareStepFunction<ToolSet>;
  output?: AgentOutput;
}): LoopControl | undefined {
  const readOutput = outputReader(output);
  if (stopWhen === undefined && prepareStep === undefined && !readOutput) return undefined;
  const conditions = typeof stopWhen === 'function' ? [stopWhen] : (stopWhen ?? []);
  return {
    async isStopped(steps) {
      const met = await Promise.all(conditions.map((condition) => condition({ steps: sdkSteps(steps) })));
      return met.includes(true);
    },
    ...(readOutput && { readOutput }),
  };
}
