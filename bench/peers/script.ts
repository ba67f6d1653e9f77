import type { ChatRequest } from '../../test/support/model-server.ts';
import { REFERENCE } from '../cost/reference-turn.ts';
import type { PacedReply } from '../timed-model.ts';

/** The last word of each model call of the reference turn, plus one. */
const ENDS = REFERENCE.tokens.map((_, call) =>
  REFERENCE.tokens.slice(0, call + 1).reduce((sum, tokens) => sum + tokens, 0),
);
export const WORDS = ENDS.at(-1) ?? 0;

const TOKEN_MS = 1000 / REFERENCE.tokensPerSecond;
/** The model's own time to its first token. */
const FIRST_TOKEN_MS = 100;

export const MESSAGE = 'Could you compare the two plans and tell me which one fits a team of five?';
/** The same, of a model that thinks before it speaks. */
export const CAREFUL = `Think it over. ${MESSAGE}`;
export const STEERING = 'Please leave out the part about the price, and mind that two of us work part-time.';
/** What is asked only to see how soon the first word is here. */
export const PING = 'ping';
const PONG = [' pong', ' pong', ' pong'];
/** How many tokens it thinks in each call. */
const THOUGHTS = 20;
/** The answer to steering that was not taken in by the turn, but waited for one of its own. */
const EXTRA = Array.from({ length: 10 }, (_, n) => ` e${n}`);

/** Word `n` says its number, so that what is missing in an answer, or there twice, can be told from its text. */
export const wordAt = (n: number): string => ` t${n}`;

/** The numbers of the words in a text, in the order in which they stand there. */
export const wordsIn = (text: string): number[] => [...text.matchAll(/ t(\d+)/g)].map(([, n]) => Number(n));

/**
 * What the model says, as a function of the prompt alone: it goes on after what the prompt says that it said. So a peer that
 * starts over pays for it, and one that keeps a partial answer is continued.
 */
export function replyTo({ messages }: ChatRequest): PacedReply {
  const pace = { firstTokenMs: FIRST_TOKEN_MS, tokenMs: TOKEN_MS };
  if (messages.findLast(({ role }) => role === 'user')?.content === PING) return { words: PONG, ...pace };
  const said = messages.flatMap((message) =>
    message.role === 'assistant' ? wordsIn(message.content ?? '') : [],
  );
  const from = Math.max(-1, ...said) + 1;
  if (from >= WORDS) return { words: EXTRA, ...pace };
  const results = messages.filter(({ role }) => role === 'tool').length;
  // Between two calls only the result decides: without it, the call of the tool was lost.
  const call = ENDS.findIndex((end, at) => from < end || (from === end && at === results));
  const words = Array.from({ length: (ENDS[call] ?? from) - from }, (_, n) => wordAt(from + n));
  const isCareful = messages.find(({ role }) => role === 'user')?.content === CAREFUL;
  const isLast = call === ENDS.length - 1;
  const toolCalls = isLast ? [] : [{ name: 'wait', args: { seconds: REFERENCE.toolSeconds } }];
  return { ...(isCareful && { thinking: thoughtsOf(call) }), words, toolCalls, ...pace };
}

const thoughtsOf = (call: number): string[] => Array.from({ length: THOUGHTS }, (_, n) => ` r${call}-${n}`);

/**
 * Whether a prompt has, with each call of a tool in it, the thoughts from which the call came; undefined where it has no
 * such call.
 */
export function hasThoughts({ messages }: ChatRequest): boolean | undefined {
  const calling = messages.flatMap((message) =>
    message.role === 'assistant' && (message.tool_calls ?? []).length > 0 ? [message] : [],
  );
  if (calling.length === 0) return undefined;
  return calling.every(({ reasoning_content }, call) => reasoning_content === thoughtsOf(call).join(''));
}
