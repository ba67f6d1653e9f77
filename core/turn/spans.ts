import type { HookName } from '../hooks.ts';
import type { SessionKey, TurnId } from '../ids.ts';
import type { Model, ToolCall, Usage } from '../model.ts';
import type { Attributes, Span, Tracer } from '../tracing.ts';

/**
 * Names of OpenTelemetry's conventions for generative AI, version 0.1.0 of their own repository:
 * github.com/open-telemetry/semantic-conventions-genai. They are in development: what changes there changes here, and nowhere else.
 */
const OPERATION = 'gen_ai.operation.name';

/** By our names. Others are named as they are. */
const PROVIDERS: ReadonlyMap<string, string> = new Map([
  ['bedrock', 'aws.bedrock'],
  ['google', 'gcp.gemini'],
]);

/**
 * A worker's part of a turn: all of it, unless it is handed over, set down, or taken over. Also the run of an agent that a tool asks.
 */
export function beginAgent(
  tracer: Tracer,
  { session, turn, agent }: { session: SessionKey; turn: TurnId; agent: string | undefined },
): Span {
  return tracer.begin(agent ? `invoke_agent ${agent}` : 'invoke_agent', 'internal', {
    [OPERATION]: 'invoke_agent',
    ...(agent && { 'gen_ai.agent.name': agent }),
    'gen_ai.conversation.id': session,
    'midturn.turn.id': turn,
  });
}

/** @param of work beside turns: those of a turn are parts of its `invoke_agent` */
export function beginModelCall(
  tracer: Tracer,
  { provider, name }: Pick<Model, 'provider' | 'name'>,
  of?: { session: SessionKey; purpose: 'title' | 'summary' },
): Span {
  return tracer.begin(`chat ${name}`, 'client', {
    [OPERATION]: 'chat',
    'gen_ai.provider.name': PROVIDERS.get(provider) ?? provider,
    'gen_ai.request.model': name,
    ...(of && { 'gen_ai.conversation.id': of.session, 'midturn.purpose': of.purpose }),
  });
}

export const beginToolCall = (tracer: Tracer, { id, name }: Pick<ToolCall, 'id' | 'name'>): Span =>
  tracer.begin(`execute_tool ${name}`, 'internal', {
    [OPERATION]: 'execute_tool',
    'gen_ai.tool.name': name,
    'gen_ai.tool.call.id': id,
  });

/** The conventions have no name for hooks. */
export const beginHook = (tracer: Tracer, hook: HookName, turn: TurnId): Span =>
  tracer.begin(`hook ${hook}`, 'internal', { 'midturn.hook': hook, 'midturn.turn.id': turn });

/** Of a finished model call. */
export function finishedCall({ reason, usage }: { reason: string; usage: Usage }): Attributes {
  const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, reasoningTokens } = usage;
  return {
    'gen_ai.response.finish_reasons': [reason],
    'gen_ai.usage.input_tokens': inputTokens,
    'gen_ai.usage.output_tokens': outputTokens,
    ...(cacheReadTokens !== undefined && { 'gen_ai.usage.cache_read.input_tokens': cacheReadTokens }),
    ...(cacheWriteTokens !== undefined && { 'gen_ai.usage.cache_creation.input_tokens': cacheWriteTokens }),
    ...(reasoningTokens !== undefined && { 'gen_ai.usage.reasoning.output_tokens': reasoningTokens }),
  };
}
