import type { ChatMessage, ChatRequest, RecordedRequest, Reply, Script } from './model-server.ts';
import { startModelServer } from './model-server.ts';

/** What one test's script has seen. */
export interface Scripted {
  /** The model calls since the script was put in, in order of arrival. */
  readonly requests: readonly RecordedRequest[];
  /** The n-th of them, from 1, as soon as it has come in. */
  waitForRequest(n: number): Promise<RecordedRequest>;
  /** What the n-th call, from 1, saw: see `promptOf`. */
  prompt(n: number): string[];
}

export interface ScriptedModel {
  readonly baseUrl: string;
  /** From now on calls are answered by this script; indices begin at 0 again. */
  script(script: Script): Scripted;
  close(): Promise<void>;
}

/** One model server for many tests, each with a script of its own. */
export async function startScriptedModel(): Promise<ScriptedModel> {
  let base = 0;
  let current: Script = [];
  const answer = (request: ChatRequest, index: number): Reply | Promise<Reply> => {
    if (typeof current === 'function') return current(request, index - base);
    return current[index - base] ?? { status: 400, body: `no reply for model call ${index - base + 1}` };
  };
  const server = await startModelServer(answer);
  return {
    baseUrl: server.baseUrl,
    script(script) {
      const first = server.requests.length;
      base = first;
      current = script;
      const scripted: Scripted = {
        get requests() {
          return server.requests.slice(first);
        },
        waitForRequest: (n) => server.waitForRequest(first + n),
        prompt(n) {
          const request = scripted.requests[n - 1];
          if (!request) throw new Error(`there were ${scripted.requests.length} model calls, not ${n}`);
          return promptOf(request.body);
        },
      };
      return scripted;
    },
    close: () => server.close(),
  };
}

/** A prompt in one line per message, without the instructions: `user: first`, `assistant: draft [call wait]`. */
function promptOf({ messages }: ChatRequest): string[] {
  return messages.filter(({ role }) => role !== 'system').map(lineOf);
}

function lineOf(message: ChatMessage): string {
  switch (message.role) {
    case 'assistant': {
      const calls = (message.tool_calls ?? []).map(({ id }) => `[call ${id}]`);
      return ['assistant:', message.content || undefined, ...calls].filter(Boolean).join(' ');
    }
    case 'tool':
      return `tool: [result ${message.tool_call_id}]`;
    default:
      return `${message.role}: ${message.content}`;
  }
}
