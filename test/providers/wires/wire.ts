import type { IncomingHttpHeaders } from 'node:http';
import type { Json } from '../../../core/json.ts';

/** Why a provider refuses a call before it says anything. */
export type Refusal =
  | 'throttled'
  | 'overloaded'
  | 'unauthorised'
  | 'unknown_model'
  | 'quota'
  | 'overlong'
  | 'invalid';

/** An error that a provider reports inside an answer that has begun. */
export type Fault = 'throttled' | 'overloaded' | 'model_error';

export interface HttpAnswer {
  status: number;
  headers?: Readonly<Record<string, string>>;
  body: Json;
}

export interface Usage {
  input: number;
  output: number;
  /** Of the input: read from the provider's cache. */
  cached?: number;
  /** Of the output: what the model thought. */
  thought?: number;
}

interface Call {
  id: string;
  name: string;
  /** The arguments as the model writes them, in pieces that are no JSON of their own. */
  pieces: readonly string[];
}

/** Bytes of one frame of the stream: an event. */
export type Frame = Uint8Array | string;

/** Writes one answer, from its first frame to its last. A wire numbers its content blocks as it goes. */
export interface Answer {
  begin(usage: Usage): Frame[];
  text(delta: string): Frame[];
  call(call: Call): Frame[];
  /** `withheld`: ended by a content filter. */
  finish(reason: 'answered' | 'calls' | 'withheld', usage: Usage): Frame[];
  fault(fault: Fault): Frame[];
}

/** One message of a prompt as it came over the wire. */
export interface SeenMessage {
  role: 'system' | 'user' | 'assistant' | 'tool';
  blocks: SeenBlock[];
}

export type SeenBlock =
  | { text: string }
  /** Its address, or its bytes as a data URL. */
  | { image: string }
  | { call: string; name: string; args: Json }
  | { result: string; output: Json };

/** What the real provider does not take, in its words. `answer` is its error, if it is not that of an invalid request. */
export class PromptRefused extends Error {
  override readonly name = 'PromptRefused';
  readonly answer: HttpAnswer | undefined;

  constructor(message: string, answer?: HttpAnswer) {
    super(message);
    this.answer = answer;
  }
}

/** One provider's HTTP interface for streamed answers, as its documentation has it. */
export interface Wire {
  readonly name: 'bedrock' | 'anthropic' | 'openai-compatible' | 'openai' | 'google';
  /** The server or the model behind it, if it has rules of its own. */
  readonly label?: string;
  /** As the model is named in `MIDTURN_MODEL`. */
  readonly model: string;
  readonly path: string;
  readonly contentType: string;
  /** Begins each id that this provider gives to a call. */
  readonly callPrefix: string;
  /** Whether neighbours of the same role must be one message. */
  readonly alternates: boolean;
  /** Whether the results of one answer's calls are one message, where roles need not alternate. */
  readonly joinsResults: boolean;
  /** Whether it takes the URL of an image. */
  readonly fetchesImages: boolean;
  /** Settings of the stack beside the model, for a provider at this origin. */
  settings(origin: string): Readonly<Record<string, string>>;
  /** What proves who asks, and how a careless provider repeats it in its error. Neither a client nor a log may see the value. */
  readonly secrets: readonly { value: string; as: string }[];
  /** Whether the request says who is asking, in this provider's way. */
  isSigned(headers: IncomingHttpHeaders): boolean;
  /** @throws {PromptRefused} for what the real provider would not take. */
  read(body: unknown): SeenMessage[];
  /** Whether a request tells the model not to call its tools, although it knows them. */
  forbidsTools(body: unknown): boolean;
  refuse(refusal: Refusal, detail: string): HttpAnswer;
  answer(model: string): Answer;
}

/** Ids that Anthropic and Bedrock take for a call. */
const CALL_ID = /^[a-zA-Z0-9_-]{1,64}$/;

/** What Anthropic's and Bedrock's prompts have in common: turns that alternate, and pairs that stand next to each other. */
export function checkConversation(messages: readonly SeenMessage[]): void {
  if (messages[0]?.role !== 'user') throw new PromptRefused('A conversation must start with a user message.');
  for (const [n, { role, blocks }] of messages.entries()) {
    const at = `messages.${n}`;
    if (blocks.length === 0) throw new PromptRefused(`${at}: content must not be empty.`);
    if (n > 0 && role === messages[n - 1]?.role) {
      throw new PromptRefused(`${at}: roles must alternate between user and assistant.`);
    }
    if (blocks.some((block) => 'text' in block && block.text.trim() === '')) {
      throw new PromptRefused(`${at}: text content blocks must contain non-whitespace text.`);
    }
    const asked = n === 0 ? [] : callsOf(messages[n - 1]);
    const answered = blocks.flatMap((block) => ('result' in block ? [block.result] : []));
    if (asked.toSorted().join() !== answered.toSorted().join()) {
      throw new PromptRefused(`${at}: calls ${asked} were answered by results ${answered}.`);
    }
    const firstText = blocks.findIndex((block) => 'text' in block);
    if (firstText >= 0 && blocks.slice(firstText).some((block) => 'result' in block)) {
      throw new PromptRefused(`${at}: results must come before text.`);
    }
    const odd = callsOf({ role, blocks }).find((id) => !CALL_ID.test(id));
    if (odd !== undefined) throw new PromptRefused(`${at}: call id "${odd}" is not of the form ${CALL_ID}.`);
  }
  if (messages.at(-1)?.role !== 'user') {
    throw new PromptRefused('The conversation must end with a user message.');
  }
}

export const callsOf = (message: SeenMessage | undefined): string[] =>
  message?.blocks.flatMap((block) => ('call' in block ? [block.call] : [])) ?? [];

/**
 * No text of a prompt may hold half of a surrogate pair: it is no Unicode, and as JSON it is an escape that strict parsers
 * refuse. The words are Anthropic's: https://github.com/anthropics/claude-code/issues/3277
 */
export function checkUnicode(body: unknown): void {
  if (typeof body === 'string') {
    if (!body.isWellFormed()) {
      throw new PromptRefused('The request body is not valid JSON: no low surrogate in string: line 1');
    }
  } else if (typeof body === 'object' && body !== null) {
    for (const [key, value] of Object.entries(body)) {
      checkUnicode(key);
      checkUnicode(value);
    }
  }
}

/** Reads with a schema. What does not fit is a request that the provider refuses. */
export function parseOrRefuse<T>(
  schema: { safeParse(value: unknown): { success: true; data: T } | { success: false; error: Error } },
  value: unknown,
): T {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new PromptRefused(parsed.error.message);
  return parsed.data;
}
