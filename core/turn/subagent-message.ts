import type { Json } from '../json.ts';
import { bytesOfJson, fittingLength, jsonBytes } from '../json-bytes.ts';
import type { ToolCall, ToolOutcome } from '../model.ts';

/** Of what is shown while the agent works, as JSON: it is stored again with each change. */
const MAX_SHOWN_BYTES = 4 * 1024;
/** Of what is kept, as JSON. A tool's output has at most 16 KiB. */
const MAX_KEPT_BYTES = 12 * 1024;
/** Of one input or output in it. What is longer is the beginning of its text. */
const MAX_VALUE_BYTES = 1024;

/** A part of an assistant's `UIMessage`, as the AI SDK has it. */
type Part =
  | { type: 'text'; text: string; state: 'streaming' | 'done' }
  | ({ type: `tool-${string}`; toolCallId: string; input: Json; providerExecuted?: true } & (
      | { state: 'input-available' }
      | { state: 'output-available'; output: Json }
      | { state: 'output-error'; errorText: string }
    ));

/**
 * What a subagent has said and done, as an assistant's `UIMessage` of the AI SDK. It is bounded: its oldest parts go first, of a text
 * that is too long the end stays, and `metadata.shortened` says so.
 */
export class SubagentMessage {
  readonly #id: string;
  #parts: Part[] = [];
  /** Of the text that is being said, no shorter than what is shown of it: who reads the whole copies it. */
  #end = '';

  /** @param id of the call that asked the agent */
  constructor(id: string) {
    this.#id = id;
  }

  say(text: string): void {
    const last = this.#parts.at(-1);
    if (last?.type === 'text' && last.state === 'streaming') {
      last.text += text;
      this.#end = (this.#end + text).slice(-MAX_KEPT_BYTES);
    } else {
      this.#parts.push({ type: 'text', text, state: 'streaming' });
      this.#end = text;
    }
  }

  /** The text so far is whole, or will not go on. */
  endText(): void {
    for (const part of this.#parts) if (part.type === 'text') part.state = 'done';
  }

  call({ id, name, args }: ToolCall, { byProvider = false } = {}): void {
    this.endText();
    this.#parts.push({
      type: `tool-${name}`,
      toolCallId: id,
      input: brief(args),
      ...(byProvider && { providerExecuted: true as const }),
      state: 'input-available',
    });
  }

  result(id: string, { output, isError }: Pick<ToolOutcome, 'output' | 'isError'>): void {
    this.#parts = this.#parts.map((part): Part => {
      if (part.type === 'text' || part.toolCallId !== id || part.state !== 'input-available') return part;
      const shown = brief(output);
      return isError
        ? {
            ...part,
            state: 'output-error',
            errorText: typeof shown === 'string' ? shown : JSON.stringify(shown),
          }
        : { ...part, state: 'output-available', output: shown };
    });
  }

  /** All that the agent has said. */
  get text(): string {
    return this.#parts.flatMap((part) => (part.type === 'text' ? part.text : [])).join('\n\n');
  }

  /** While the agent works. */
  get shown(): Json {
    return this.#fitting(MAX_SHOWN_BYTES);
  }

  /** As the output of the call. */
  get kept(): Json {
    this.endText();
    return this.#fitting(MAX_KEPT_BYTES);
  }

  #fitting(bytes: number): Json {
    const parts: Part[] = [];
    let left = bytes;
    let shortened = false;
    for (const part of this.#parts.toReversed()) {
      // For each piece of a text, which may be long: only what may fit is read.
      const isLonger = part.type === 'text' && part.text.length > left;
      const size = isLonger ? part.text.length : bytesOfJson(part);
      if (size > left) {
        shortened = true;
        if (part.type === 'text' && left > MAX_VALUE_BYTES)
          parts.unshift({
            ...part,
            text: lastOf(part.state === 'streaming' ? this.#end : part.text, left - 100),
          });
        break;
      }
      parts.unshift(part);
      left -= size;
    }
    return {
      id: this.#id,
      role: 'assistant',
      ...(shortened && { metadata: { shortened } }),
      parts: parts as Json[],
    };
  }
}

/** The value, or the beginning of its text. */
function brief(value: Json): Json {
  if (bytesOfJson(value) <= MAX_VALUE_BYTES) return value;
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return `${text.slice(0, fittingLength(text, MAX_VALUE_BYTES - 3))}…`;
}

/** The end of a text that is longer than these bytes as JSON. */
function lastOf(text: string, bytes: number): string {
  let end = text.slice(-bytes);
  // What is left has about as many bytes a character as the whole.
  for (let size = jsonBytes(end); size > bytes; size = jsonBytes(end))
    end = end.slice(Math.ceil(((size - bytes) * end.length) / size));
  // Half of a pair says nothing.
  return end.replace(/^[\udc00-\udfff]/, '');
}
