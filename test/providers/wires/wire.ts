import { createHash } from 'node:crypto';
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

/** A tool that the provider runs itself: a search of the web. */
export interface Run {
  id: string;
  query: string;
  /** What it found. Undefined: its result comes in a later answer. */
  finds?: readonly { url: string; title: string }[];
}

/**
 * How an answer can end by itself. `withheld`: by a content filter. `length`: at the limit of output tokens. `window`: at the
 * end of the model's window. `paused`: it goes on in the next call. `malformed`: the model wrote a call that its provider cannot
 * read. `unsaid`: it is whole, and nobody says why it is over.
 */
export type Ending =
  | 'answered'
  | 'calls'
  | 'withheld'
  | 'length'
  | 'window'
  | 'paused'
  | 'malformed'
  | 'unsaid';

/** Bytes of one frame of the stream: an event. */
export type Frame = Uint8Array | string;

/** Writes one answer, from its first frame to its last. A wire numbers its content blocks as it goes. */
export interface Answer {
  begin(usage: Usage): Frame[];
  text(delta: string): Frame[];
  /** A piece of what the model thinks. `endThought` ends the block, with the provider's signature. */
  think?(delta: string): Frame[];
  endThought?(): Frame[];
  /** A thought that the provider shows in encrypted form only. Not every wire has it. */
  redacted?(data: string): Frame[];
  call(call: Call): Frame[];
  /** A search, with what it found if that is known. Not every wire has it. */
  run?(run: Run): Frame[];
  /** What a search of an earlier answer found. */
  found?(run: Run): Frame[];
  /** A file that the model made, in base64. */
  file?(mediaType: string, data: string): Frame[];
  /** @param ending one of the wire's. Without `usage` the server counts nothing. */
  finish(ending: Ending, usage: Usage | undefined): Frame[];
  /** What the provider sends now and then, and says nothing. */
  nothing(): Frame[];
  fault(fault: Fault): Frame[];
}

/** One message of a prompt as it came over the wire. */
export interface SeenMessage {
  role: 'system' | 'user' | 'assistant' | 'tool';
  blocks: SeenBlock[];
}

export type SeenBlock =
  | { text: string }
  /** Of an image or a file: its address, or its bytes as a data URL. */
  | { image: string }
  /** As the provider gave it; the data of one that is encrypted. */
  | { thought: string }
  | { call: string; name: string; args: Json }
  | { result: string; output: Json }
  /** A search that the provider ran, and what it found. */
  | { ran: string; query: string }
  | { found: string; urls: readonly string[] };

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
  /** Begins each id of a tool that this provider runs. */
  readonly runPrefix?: string;
  /** Whether neighbours of the same role must be one message. */
  readonly alternates: boolean;
  /** Whether the results of one answer's calls are one message, where roles need not alternate. */
  readonly joinsResults: boolean;
  /** Whether it takes the URL of an image. */
  readonly fetchesImages: boolean;
  /** Whether its models hear. */
  readonly takesAudio: boolean;
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
  /** How its answers can end. */
  readonly endings: readonly Ending[];
  /** How its refusals can ask for a pause of so many milliseconds before the next call. */
  readonly pauses: Readonly<Record<string, (refusal: HttpAnswer, ms: number) => HttpAnswer>>;
  answer(model: string): Answer;
}

/**
 * The answers that a server gave, so that it can see whether a later prompt has them unchanged. What a model thought comes back
 * with the calls that it led to: whole, signed and in its order. Sources: "Thinking in tool and multi-turn workflows"
 * (https://platform.claude.com/docs/build-with-claude/thinking-tool-workflows: a message that is rebuilt or filtered is
 * answered by 400), https://github.com/spring-projects/spring-ai/issues/6413 (Bedrock), "Thinking mode"
 * (https://api-docs.deepseek.com/guides/thinking_mode: in all later requests).
 */
export class Echoes {
  readonly #byCall = new Map<string, readonly SeenBlock[]>();

  /** Notes an answer while it is written. */
  answer(): Echo {
    return new Echo((id, blocks) => this.#byCall.set(id, blocks));
  }

  /** @throws {PromptRefused} if an answer with thoughts and calls is not what it was */
  check(messages: readonly SeenMessage[]): void {
    for (const [n, message] of messages.entries()) {
      const [id] = callsOf(message);
      const given = id === undefined ? undefined : this.#byCall.get(id);
      if (!given?.some((block) => 'thought' in block)) continue;
      const [was, is] = [given, message.blocks].map((blocks) => blocks.map(sketch).join(', '));
      if (was !== is)
        throw new PromptRefused(
          `messages.${n}: thinking blocks cannot be modified. They must remain as they were in the original response: [${was}], not [${is}].`,
        );
    }
  }
}

class Echo {
  readonly #blocks: SeenBlock[] = [];
  readonly #hasCall: (id: string, blocks: readonly SeenBlock[]) => void;
  #thought = '';

  constructor(hasCall: (id: string, blocks: readonly SeenBlock[]) => void) {
    this.#hasCall = hasCall;
  }

  text(delta: string): void {
    const last = this.#blocks.at(-1);
    if (last && 'text' in last) last.text += delta;
    else this.#blocks.push({ text: delta });
  }
  think(delta: string): void {
    this.#thought += delta;
  }
  /** @returns the whole thought */
  endThought(): string {
    const thought = this.#thought;
    this.#blocks.push({ thought });
    this.#thought = '';
    return thought;
  }
  redacted(data: string): void {
    this.#blocks.push({ thought: data });
  }
  ran({ id, query }: Run): void {
    this.#blocks.push({ ran: id, query });
  }
  found({ id, finds = [] }: Run): void {
    this.#blocks.push({ found: id, urls: finds.map(({ url }) => url) });
  }
  call({ id, name }: Call): void {
    this.#blocks.push({ call: id, name, args: null });
    this.#hasCall(id, this.#blocks);
  }
}

const sketch = (block: SeenBlock): string => {
  if ('thought' in block) return `thought ${block.thought}`;
  if ('text' in block) return `text ${block.text}`;
  if ('ran' in block) return `ran ${block.ran}`;
  if ('found' in block) return `found ${block.found}`;
  return 'call' in block ? `call ${block.call}` : 'other';
};

/** Stands for the signature by which a provider knows its own thought again. */
export const signatureOf = (thought: string): string =>
  `sig${createHash('sha256').update(thought).digest('base64')}`;

/** The words are Anthropic's: https://github.com/anthropics/claude-code/issues/10627 */
export function checkSignature(thought: string, signature: string): void {
  if (signature !== signatureOf(thought)) throw new PromptRefused('Invalid `signature` in `thinking` block');
}

export const withHeader = (refusal: HttpAnswer, name: string, value: string): HttpAnswer => ({
  ...refusal,
  headers: { ...refusal.headers, [name]: value },
});

/** `retry-after` is in whole seconds, or a date of whole seconds (RFC 9110, 10.2.3). */
export const RETRY_AFTER: Wire['pauses'] = {
  'retry-after in seconds': (refusal, ms) => withHeader(refusal, 'retry-after', String(Math.ceil(ms / 1000))),
  'retry-after as a date': (refusal, ms) =>
    withHeader(refusal, 'retry-after', new Date(Math.ceil((Date.now() + ms) / 1000) * 1000).toUTCString()),
};

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
    const isThought = blocks.map((block) => 'thought' in block);
    if (role === 'user' && isThought.includes(true)) {
      throw new PromptRefused(`${at}: thinking blocks may only be in assistant messages.`);
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
  // "You can continue the conversation by sending the response back as is", with server tools: "Handling stop reasons", Anthropic API documentation.
  const last = messages.at(-1);
  const isPaused = last?.blocks.some((block) => 'ran' in block) && callsOf(last).length === 0;
  if (last?.role !== 'user' && !isPaused) {
    throw new PromptRefused('The conversation must end with a user message.');
  }
}

/**
 * Each search has what it found behind it, in the same message or in a later one of the assistant. It may be open while nothing but
 * results of calls follows: the API runs it then.
 * Sources: "Server tools" (https://platform.claude.com/docs/en/agents-and-tools/tool-use/server-tools), and the words of
 * https://github.com/AnswerDotAI/lisette/issues/108 and https://github.com/anthropics/claude-code/issues/66944
 */
export function checkRuns(messages: readonly SeenMessage[]): void {
  const open = new Map<string, number>();
  for (const [n, { role, blocks }] of messages.entries()) {
    for (const block of blocks) {
      if ('ran' in block) open.set(block.ran, n);
      else if ('found' in block && !open.delete(block.found))
        throw new PromptRefused(
          `messages.${n}: unexpected \`tool_use_id\` found in \`web_search_tool_result\` blocks: ${block.found}. Each \`web_search_tool_result\` block must have a corresponding \`server_tool_use\` block before it.`,
        );
    }
    const [left] = open;
    if (left && role === 'user' && blocks.some((block) => !('result' in block)))
      throw new PromptRefused(
        `messages.${left[1]}: \`web_search\` tool use with id \`${left[0]}\` was found without a corresponding \`web_search_tool_result\` block`,
      );
    // "The final block in an assistant message cannot be `thinking`": https://github.com/tailcallhq/forgecode/issues/2107
    const lastBlock = blocks.at(-1);
    if (role === 'assistant' && lastBlock && 'thought' in lastBlock)
      throw new PromptRefused(
        `messages.${n}: The final block in an assistant message cannot be \`thinking\`.`,
      );
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
