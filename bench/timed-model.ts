import { setTimeout as sleep } from 'node:timers/promises';
import {
  type ChatRequest,
  createGate,
  type Gate,
  type Reply,
  type Script,
} from '../test/support/model-server.ts';

/** What the model is to say in one call, and how fast. */
export interface PacedReply extends Pick<Reply, 'thinking' | 'toolCalls'> {
  words: readonly string[];
  /** The model's own time to its first token. */
  firstTokenMs: number;
  tokenMs: number;
}

/** One model call, in milliseconds of `performance.now()`. */
export interface TimedCall {
  request: ChatRequest;
  arrivedAt: number;
  /** When the first word was handed to the socket; undefined until then. */
  firstTokenAt: number | undefined;
  /** Its thoughts and words that were handed to the socket so far. */
  said: string[];
}

export interface TimedModel {
  script: Script;
  /** In order of arrival. */
  calls: readonly TimedCall[];
}

/** A model that paces its words and writes down when its calls came in and when it began to answer. */
export function timedModel(answer: (request: ChatRequest) => PacedReply | Promise<PacedReply>): TimedModel {
  const calls: TimedCall[] = [];
  return {
    calls,
    script: async (request) => {
      const call: TimedCall = { request, arrivedAt: performance.now(), firstTokenAt: undefined, said: [] };
      calls.push(call);
      const { thinking = [], words, firstTokenMs, tokenMs, toolCalls = [] } = await answer(request);
      call.said.push(...thinking);
      const begunAt = performance.now();
      const chunks = words.flatMap((word, index): [Gate, string] => {
        const gate = createGate();
        // By the clock, as a model elsewhere would: when this machine is late, the words that are due come together. Each
        // is sent in the same tick in which its gate opens.
        const dueAt = begunAt + firstTokenMs + index * tokenMs;
        gate.reached
          .then(() => sleepUntil(dueAt))
          .then(() => {
            call.firstTokenAt ??= performance.now();
            call.said.push(word);
            gate.open();
          });
        return [gate, word];
      });
      return { thinking, chunks, toolCalls };
    },
  };
}

async function sleepUntil(at: number): Promise<void> {
  const ms = at - performance.now();
  if (ms > 0) await sleep(ms);
}

/** The user messages of a model call, in order. */
export const userMessages = (request: ChatRequest): string[] =>
  request.messages.flatMap((message) => (message.role === 'user' ? [message.content] : []));
