import type { StepFacts, TurnNews, TurnObserver } from '../../core/model.ts';
import { ownValue } from '../../core/own-value.ts';
import type { AgentDefinition } from './agent-definition.ts';
import type { CallbackQueue } from './callbacks.ts';
import { sdkSteps, sdkUsage } from './sdk-steps.ts';

type Told<T extends TurnNews['type']> = Extract<TurnNews, { type: T }>;

/** Tells the agent's callbacks what happens in a turn, in the events of the SDK. Undefined: the agent has none. */
export function observerOf(
  agent: Pick<AgentDefinition, 'toolsContext'>,
  queue: CallbackQueue,
): TurnObserver | undefined {
  if (queue.isEmpty) return undefined;
  const toolContext = (name: string) => ownValue(agent.toolsContext, name);
  return {
    settled: (ms) => queue.settled(ms),
    tell(news) {
      switch (news.type) {
        case 'step_ended': {
          const step = stepsOf(news).at(-1);
          if (step) queue.call('onStepEnd', step);
          break;
        }
        case 'tool_started':
          queue.call('onToolExecutionStart', {
            callId: news.turnId,
            messages: [],
            toolCall: toolCallOf(news),
            toolContext: toolContext(news.call.name),
          });
          break;
        case 'tool_ended':
          queue.call('onToolExecutionEnd', {
            callId: news.turnId,
            messages: [],
            toolCall: toolCallOf(news),
            toolContext: toolContext(news.call.name),
            toolExecutionMs: news.ms,
            toolOutput: toolOutputOf(news),
          });
          break;
        case 'done':
          tellEnd(queue, news);
          break;
        case 'aborted':
          queue.call('onAbort', { callId: news.turnId, steps: stepsOf(news), reason: news.by });
          break;
        case 'failed':
          queue.call('onError', { error: new TurnError(news) });
          break;
        default:
          news satisfies never;
      }
    },
  };
}

/** What a turn failed with, as its `error` event says it. */
export class TurnError extends Error {
  override readonly name = 'TurnError';
  readonly code: string;
  readonly retryable: boolean;

  constructor({ code, message, retryable }: Pick<Told<'failed'>, 'code' | 'message' | 'retryable'>) {
    super(message);
    this.code = code;
    this.retryable = retryable;
  }
}

/** All steps of a turn have its id, as all of a call of the SDK have that of the call. */
const stepsOf = ({ turnId, steps }: { turnId: string; steps: readonly StepFacts[] }) =>
  sdkSteps(steps).map((step) => ({ ...step, callId: turnId }));

const toolCallOf = ({ call: { id, name, args } }: Told<'tool_started' | 'tool_ended'>) => ({
  type: 'tool-call' as const,
  toolCallId: id,
  toolName: name,
  input: args,
  dynamic: true as const,
});

function toolOutputOf({ call: { id, name, args }, outcome: { output, isError } }: Told<'tool_ended'>) {
  const call = { toolCallId: id, toolName: name, input: args, dynamic: true as const };
  return isError
    ? { type: 'tool-error' as const, ...call, error: output }
    : { type: 'tool-result' as const, ...call, output };
}

function tellEnd(queue: CallbackQueue, news: Told<'done'>): void {
  const steps = stepsOf(news);
  const finalStep = steps.at(-1);
  // A turn that an earlier version of the functions began has no steps that are known.
  if (!finalStep) return;
  const usage = sdkUsage(news.usage);
  const event = {
    ...finalStep,
    content: steps.flatMap(({ content }) => content),
    toolCalls: steps.flatMap(({ toolCalls }) => toolCalls),
    dynamicToolCalls: steps.flatMap(({ dynamicToolCalls }) => dynamicToolCalls),
    toolResults: steps.flatMap(({ toolResults }) => toolResults),
    dynamicToolResults: steps.flatMap(({ dynamicToolResults }) => dynamicToolResults),
    usage,
    totalUsage: usage,
    responseMessages: [],
    steps,
    finalStep,
    ...(news.output !== undefined && { output: news.output }),
  };
  queue.call('onEnd', event);
}
