import { setTimeout as timeout } from 'node:timers/promises';
import type { Model, ModelPart, ModelRequest } from '../../core/model.ts';
import type { ToolSource } from '../mcp/tool-source.ts';
import { planStep } from './demo-plan.ts';

export interface DemoModelOptions {
  /**
   * The agent's tools. The demo calls `current_time` and `wait` if a message asks for them, and any tool that a message
   * names.
   */
  tools: ToolSource;
  /** Rejects if the signal is aborted. */
  sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** About 28 words a second, the speed of a fast hosted model. */
const MS_PER_WORD = 36;
const TOKENS_PER_WORD = 1.3;

/** A model without network or key, for a first try and for development. The same prompt gets the same answer. */
export function createDemoModel({ tools, sleep = pause }: DemoModelOptions): Model {
  return {
    provider: 'demo',
    name: 'demo',
    async *stream(request, signal) {
      const { tools: offered } = await tools.offered(request.token);
      yield* streamStep(request, Object.keys(offered), sleep, signal);
    },
  };
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await timeout(ms, undefined, { signal });
}

async function* streamStep(
  request: ModelRequest,
  tools: readonly string[],
  sleep: (ms: number, signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): AsyncGenerator<ModelPart, void, undefined> {
  const { thinking, text, call } = planStep(request, tools);
  try {
    for (const word of splitWords(thinking)) {
      await sleep(MS_PER_WORD, signal);
      yield { type: 'thinking', text: word };
    }
    for (const word of splitWords(text)) {
      await sleep(MS_PER_WORD, signal);
      if (signal.aborted) return;
      yield { type: 'text', text: word };
    }
  } catch (error) {
    if (signal.aborted) return;
    throw error;
  }
  if (signal.aborted) return;
  if (call) yield { type: 'tool_call', ...call };
  yield {
    type: 'finish',
    reason: call ? 'tool-calls' : 'stop',
    usage: {
      inputTokens: tokensOf(JSON.stringify(request.messages)),
      outputTokens: tokensOf(thinking) + tokensOf(text) + (call ? tokensOf(JSON.stringify(call)) : 0),
    },
  };
}

/** Splits a text into words, each with the white space before it. */
export function splitWords(text: string): string[] {
  return text.match(/\s*\S+|\s+$/g) ?? [];
}

function tokensOf(text: string): number {
  return Math.ceil(splitWords(text).length * TOKENS_PER_WORD);
}
