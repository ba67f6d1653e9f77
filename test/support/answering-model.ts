import { convertArrayToReadableStream, MockLanguageModelV4 } from 'ai/test';
import { z } from 'zod';
import type { ModelPart, ModelRequest } from '../../core/model.ts';
import type { AgentDefinition } from '../../model/agent/agent-definition.ts';
import { defineAgent } from '../../model/agent/define-agent.ts';
import type { OfferedTools } from '../../model/mcp/tool-source.ts';
import { sdkModelOf } from '../../model/providers/sdk-model-of.ts';

/** Answers of a provider's package, part by part, and what a model of the AI SDK makes of them. */

export type Part =
  Awaited<ReturnType<MockLanguageModelV4['doStream']>>['stream'] extends ReadableStream<infer P> ? P : never;
type Unified = 'stop' | 'length' | 'content-filter' | 'tool-calls' | 'error' | 'other';

const USAGE = {
  inputTokens: { total: 7, noCache: 7, cacheRead: undefined, cacheWrite: undefined },
  outputTokens: { total: 3, text: 3, reasoning: undefined },
};
export const ends = (unified: Unified, raw: string | undefined, usage: object = USAGE): Part => ({
  type: 'finish',
  finishReason: { unified, raw },
  usage: usage as typeof USAGE,
});
export const text = (delta: string): Part[] => [
  { type: 'text-start', id: '1' },
  { type: 'text-delta', id: '1', delta },
  { type: 'text-end', id: '1' },
];
export const call = (toolName: string, input: object, more: object = {}): Part => ({
  type: 'tool-call',
  toolCallId: `c-${toolName}`,
  toolName,
  input: JSON.stringify(input),
  ...more,
});
export const LOOK = call('look', { at: 'sea' });
export const FILE: Part = { type: 'file', mediaType: 'image/png', data: { type: 'data', data: 'QUJD' } };
export const look = { inputSchema: z.object({ at: z.string() }), execute: () => 'seen' };
export const hello: ModelRequest = { messages: [{ role: 'user', content: 'hello' }], toolChoice: 'auto' };

/** One call of an agent with the tool `look`, whose provider answers with these parts. */
export async function given(
  parts: readonly Part[] | (() => Promise<never>),
  {
    provider = 'house.chat',
    request = hello,
    options = {},
    offered,
    signal = new AbortController().signal,
    read = () => {},
  }: {
    provider?: string;
    request?: ModelRequest;
    options?: Partial<AgentDefinition>;
    offered?: OfferedTools;
    signal?: AbortSignal;
    read?: (part: ModelPart) => void;
  } = {},
) {
  const warned: string[] = [];
  let alive = 0;
  const languageModel = new MockLanguageModelV4({
    provider,
    doStream: async () =>
      typeof parts === 'function'
        ? parts()
        : { stream: convertArrayToReadableStream([{ type: 'stream-start', warnings: [] }, ...parts]) },
  });
  const agent = defineAgent({ instructions: 'Be brief.', tools: { look }, ...(options as object) });
  const model = await sdkModelOf(languageModel, { provider, name: 'm' }, agent, {
    ...(offered && { tools: { offered: async () => offered } }),
    warn: (message) => void warned.push(message),
    secrets: ['hunter2'],
  });
  const seen: ModelPart[] = [];
  for await (const part of model.stream(request, signal, () => alive++)) {
    seen.push(part);
    read(part);
  }
  return { parts: seen, last: seen.at(-1), call: languageModel.doStreamCalls[0], warned, alive };
}

/** The reason of an end or a failure, which has `!` if it may be tried again; else the type. */
export const wordOf = (part: ModelPart | undefined) => {
  if (part?.type === 'finish') return part.reason;
  return part?.type === 'failure' ? `${part.failure.reason}${part.failure.retryable ? '!' : ''}` : part?.type;
};
