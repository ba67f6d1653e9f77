import { CONTINUE_REQUEST } from '../../core/events/prompt.ts';
import type { Part } from '../simulation/parts.ts';
import { canonical } from '../simulation/parts.ts';
import type { Random } from '../simulation/random.ts';
import type { ChatMessage, ChatRequest, Reply, ScriptedToolCall } from '../support/model-server.ts';
import { labelsIn } from './session.ts';

/** One model call as the model received it. */
export interface AskedCall {
  /** The session that the prompt is of. */
  label: string;
  /** The prompt, in the judge's form. */
  prompt: string;
  /** The last user message in it. */
  lastMessage: string;
  /** When it arrived, in milliseconds since the epoch. */
  at: number;
  /** The prefix of each word of its answer. */
  mark: string;
}

export interface ChaosModel {
  readonly calls: readonly AskedCall[];
  /** Stops the errors. */
  calm: boolean;
  script(request: ChatRequest, index: number): Reply;
}

/** A model that answers each call differently, calls tools, fails early, and stops in the middle. */
export function chaosModel(random: Random): ChaosModel {
  const calls: AskedCall[] = [];
  return {
    calls,
    calm: false,
    script(request, index) {
      const parts = partsOf(request);
      const text = parts.map((part) => part.text).join('\n');
      const lastMessage = parts.findLast(({ kind }) => kind === 'user')?.text ?? '';
      const [label = ''] = labelsIn(lastMessage);
      const mark = ` ${label}/${index}.`;
      calls.push({
        label: [...labelsIn(text)].join('+'),
        prompt: canonical(parts),
        lastMessage,
        at: Date.now(),
        mark,
      });
      // Not 400: the session would send its prompts in another form from then on, which the judge does not compute.
      if (!this.calm && random.chance(0.03)) return { status: random.pick(503, 429, 404) };
      const words = random.int(2, 10);
      const chunks = Array.from({ length: words }, (_, n) => `${mark}${n}`);
      const chunkDelayMs = random.pick(20, 60, 120, 250);
      if (!this.calm && random.chance(0.02))
        return { chunks, chunkDelayMs, cutAfter: random.int(0, words - 1) };
      if (request.tool_choice !== 'none' && random.chance(0.25)) {
        return { chunks: chunks.slice(0, 2), chunkDelayMs, toolCalls: toolCalls(random, index) };
      }
      return { chunks, chunkDelayMs };
    },
  };
}

function toolCalls(random: Random, index: number): ScriptedToolCall[] {
  return Array.from({ length: random.int(1, 2) }, (_, n) => ({
    id: `call-${index}-${n}`,
    ...random.pick<Pick<ScriptedToolCall, 'name' | 'args'>>(
      { name: 'wait', args: { seconds: random.int(0, 8) / 10 } },
      { name: 'current_time', args: {} },
    ),
  }));
}

/** The prompt without its instructions and without the request to continue, which are not in the transcript. */
function partsOf({ messages }: ChatRequest): Part[] {
  const last = messages.at(-1);
  const asked = last?.role === 'user' && last.content === CONTINUE_REQUEST ? messages.slice(0, -1) : messages;
  return asked.flatMap(partsOfMessage);
}

function partsOfMessage(message: ChatMessage): Part[] {
  switch (message.role) {
    case 'system':
      return [];
    case 'user':
      return [{ kind: 'user', text: message.content }];
    case 'tool':
      return [{ kind: 'result', text: message.tool_call_id }];
    case 'assistant':
      return [
        ...(message.content ? [{ kind: 'said', text: message.content }] : []),
        ...(message.tool_calls ?? []).map(({ id }) => ({ kind: 'call', text: id })),
      ];
  }
}
