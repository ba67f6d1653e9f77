import { milliseconds } from '../../config/units.ts';
import type { Model, ModelRequest, Toolbox } from '../../core/model.ts';
import type { CloudOptions } from './cloud.ts';
import type { Call } from './time.ts';

/** What the model says in one call. */
export interface Script {
  /** Milliseconds to its first token. */
  firstTokenMs: number;
  tokenMs: number;
  tokens: number;
  /** Then it asks for a tool that takes so long. */
  toolMs?: number;
}

/** One model call that was made: when, and when it had said all. */
export interface ModelCall {
  request: ModelRequest;
  at: number;
  /** What it waited for. */
  after: Call | undefined;
  firstTokenAt?: number;
  endedAt?: number;
}

/** About four characters each, as a tokenizer of English makes them. */
const WORDS = [' the', ' plan', ' for', ' a', ' team', ' of', ' five', ' would', ' fit', ','];

/** A model and a tool that pace themselves by virtual time. */
export function pacedAgent(next: () => Script): { calls: ModelCall[]; agent: CloudOptions['agent'] } {
  const calls: ModelCall[] = [];
  const agent: CloudOptions['agent'] = (time) => {
    const wait = (operation: string, ms: number, signal: AbortSignal) =>
      time.wait({ service: 'model', operation, by: 'model' }, ms, signal);
    const model: Model = {
      provider: 'scripted',
      name: 'scripted',
      async *stream(request, signal) {
        const call: ModelCall = { request, at: time.now, after: time.current };
        calls.push(call);
        const { firstTokenMs, tokenMs, tokens, toolMs } = next();
        const began = time.now;
        for (let n = 0; n < tokens; n++) {
          const dueMs = began + firstTokenMs + n * tokenMs - time.now;
          await wait(n === 0 ? 'first token' : 'token', dueMs, signal);
          if (signal.aborted) return;
          call.firstTokenAt ??= time.now;
          yield { type: 'text', text: WORDS[n % WORDS.length] ?? '' };
        }
        call.endedAt = time.now;
        if (toolMs !== undefined && request.toolChoice === 'auto')
          yield { type: 'tool_call', id: `call${calls.length}`, name: 'wait', args: { ms: toolMs } };
        yield { type: 'finish', reason: 'stop', usage: { inputTokens: 100, outputTokens: tokens } };
      },
    };
    const toolbox: Toolbox = {
      async run({ args }, { signal }) {
        const { ms } = args as { ms: number };
        await time.wait({ service: 'tool', operation: 'tool', by: 'tool' }, ms, signal);
        return { output: { waited: ms }, isError: false };
      },
      needsApproval: async () => false,
      alwaysCovers: async ({ name }) => name,
      isIdempotent: () => true,
      isAbortable: () => false,
      timeLimitMs: () => milliseconds(60_000),
    };
    return { model, toolbox };
  };
  return { calls, agent };
}
