import type { StepResult, ToolSet } from 'ai';
import type { StepFacts, Usage } from '../../core/model.ts';
import type { Contexts } from './call-contexts.ts';

type SdkStep = StepResult<ToolSet>;

/**
 * The finished steps of a turn as the AI SDK's own loop has them, from what is stored of them: text, calls, results, usage, model, and
 * how they ended. What is not stored (reasoning, sources, times, requests, warnings) is empty.
 */
export function sdkSteps(
  steps: readonly StepFacts[],
  { runtimeContext = {}, toolsContext = {} }: Contexts = {},
): SdkStep[] {
  return steps.map((step, stepNumber) => {
    const toolCalls = step.calls.map(({ id, name, args }) => ({
      type: 'tool-call' as const,
      toolCallId: id,
      toolName: name,
      input: args,
      dynamic: true as const,
    }));
    const inputs = new Map(step.calls.map((call) => [call.id, call]));
    const toolResults = step.results.flatMap(({ id, output, isError }) => {
      const call = inputs.get(id);
      if (!call || isError) return [];
      return [
        {
          type: 'tool-result' as const,
          toolCallId: id,
          toolName: call.name,
          input: call.args,
          output,
          dynamic: true as const,
        },
      ];
    });
    const model = sdkModelOfStep(step.model);
    return {
      callId: `step-${stepNumber}`,
      stepNumber,
      model,
      toolsContext,
      runtimeContext,
      content: [
        ...(step.text ? [{ type: 'text' as const, text: step.text }] : []),
        ...toolCalls,
        ...toolResults,
      ],
      text: step.text,
      reasoning: [],
      reasoningText: undefined,
      files: [],
      sources: [],
      toolCalls,
      staticToolCalls: [],
      dynamicToolCalls: toolCalls,
      toolResults,
      staticToolResults: [],
      dynamicToolResults: toolResults,
      finishReason: sdkFinishReason(step),
      rawFinishReason: step.finish,
      usage: sdkUsage(step.usage),
      performance: {
        effectiveOutputTokensPerSecond: 0,
        outputTokensPerSecond: undefined,
        inputTokensPerSecond: undefined,
        effectiveTotalTokensPerSecond: 0,
        stepTimeMs: 0,
        responseTimeMs: 0,
        toolExecutionMs: {},
        timeToFirstOutputMs: undefined,
      },
      warnings: undefined,
      request: {},
      response: {
        id: `step-${stepNumber}`,
        timestamp: new Date(0),
        modelId: model.modelId,
        messages: [],
      },
      providerMetadata: undefined,
    };
  });
}

/** A model that is named as `provider:model`. */
export function sdkModelOfStep(name: string): SdkStep['model'] {
  const colon = name.indexOf(':');
  return { provider: name.slice(0, colon), modelId: name.slice(colon + 1) };
}

export function sdkUsage(usage: Usage): SdkStep['usage'] {
  const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, reasoningTokens } = usage;
  return {
    inputTokens,
    inputTokenDetails: { noCacheTokens: undefined, cacheReadTokens, cacheWriteTokens },
    outputTokens,
    outputTokenDetails: { textTokens: undefined, reasoningTokens },
    totalTokens: inputTokens + outputTokens,
  };
}

export function sdkFinishReason({
  finish,
  calls,
}: Pick<StepFacts, 'finish' | 'calls'>): SdkStep['finishReason'] {
  if (calls.length > 0) return 'tool-calls';
  if (finish === 'stop' || finish === 'length') return finish;
  return finish === 'content_filter' || finish === 'refusal' ? 'content-filter' : 'other';
}
