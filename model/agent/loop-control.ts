import type { PrepareStepFunction, StopCondition, ToolSet } from 'ai';
import type { LoopControl } from '../../core/model.ts';
import { type Contexts, isLeftOut, withContexts } from './call-contexts.ts';
import { type AgentOutput, outputReader } from './output.ts';
import { sdkSteps } from './sdk-steps.ts';

export type StopWhen = StopCondition<ToolSet> | readonly StopCondition<ToolSet>[];

/** What the agent's code decides between steps. Undefined: it does not look back at them, and answers have no form. */
export function loopControlOf(
  agent: {
    stopWhen?: StopWhen;
    prepareStep?: PrepareStepFunction<ToolSet>;
    output?: AgentOutput;
  } & Contexts,
): LoopControl | undefined {
  const { stopWhen, prepareStep, output } = agent;
  const readOutput = outputReader(output);
  if (stopWhen === undefined && prepareStep === undefined && !readOutput) return undefined;
  const conditions = typeof stopWhen === 'function' ? [stopWhen] : (stopWhen ?? []);
  return {
    async isStopped(steps, setup) {
      if (isLeftOut(setup, 'stopWhen')) return false;
      const done = sdkSteps(steps, withContexts(agent, setup));
      const met = await Promise.all(conditions.map((condition) => condition({ steps: done })));
      return met.includes(true);
    },
    ...(readOutput && { readOutput }),
  };
}
