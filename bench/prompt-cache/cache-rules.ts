import { createHash } from 'node:crypto';

/**
 * The prompt cache of Anthropic's Messages API, as its documentation describes it
 * (https://docs.claude.com/en/docs/build-with-claude/prompt-caching):
 *
 * - A request is a row of blocks: tools, then system, then messages. A mark (`cache_control`) writes the prefix up to its
 *   block. At most 4 marks, or the request is refused.
 * - From each mark the prefixes that end at up to 20 blocks before it are looked for. The longest that an earlier request
 *   wrote is read.
 * - A prefix under 1,024 tokens is not written. An entry lives for 5 minutes after it was last used.
 * - Another `tool_choice` is another row of messages.
 */
export interface CacheUsage {
  input_tokens: number;
  cache_read_input_tokens: number;
  cache_creation_input_tokens: number;
}

const MAX_MARKS = 4;
const LOOK_BACK = 20;
const MIN_TOKENS = 1024;
const LIFE_MS = 5 * 60_000;

interface Block {
  text: string;
  marked: boolean;
}

interface MarkedBlock {
  cache_control?: unknown;
}

export interface MessagesRequest {
  tools?: MarkedBlock[];
  system?: MarkedBlock[];
  tool_choice?: unknown;
  messages: { role: string; content: MarkedBlock[] }[];
}

/** About what a provider counts in English and JSON. */
const tokensOf = (text: string) => Math.ceil(Buffer.byteLength(text) / 4);

function blocksOf({ tools = [], system = [], messages, tool_choice }: MessagesRequest): Block[] {
  const block = (where: string, { cache_control, ...rest }: MarkedBlock): Block => ({
    text: where + JSON.stringify(rest),
    marked: cache_control !== undefined,
  });
  return [
    ...tools.map((one) => block('tool', one)),
    ...system.map((one) => block('system', one)),
    ...messages.flatMap(({ role, content }, i) =>
      content.map((one) => block(i === 0 ? `${JSON.stringify(tool_choice)}${role}` : role, one)),
    ),
  ];
}

export class PromptCache {
  readonly #now: () => number;
  readonly #lives = new Map<string, number>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Takes a request in. @throws if it has too many marks */
  use(request: MessagesRequest): CacheUsage {
    const blocks = blocksOf(request);
    const hash = createHash('sha256');
    let tokens = 0;
    const prefixes = blocks.map(({ text, marked }) => {
      tokens += tokensOf(text);
      return { key: hash.update(text).copy().digest('hex'), tokens, marked };
    });
    const marks = prefixes.flatMap(({ marked }, i) => (marked ? [i] : []));
    if (marks.length > MAX_MARKS)
      throw new Error(`A maximum of 4 blocks may have cache_control: ${marks.length}.`);
    const now = this.#now();
    const isAlive = (key: string) => (this.#lives.get(key) ?? 0) > now;
    let read = 0;
    for (const mark of marks) {
      for (const { key, tokens: size } of prefixes.slice(Math.max(0, mark - LOOK_BACK), mark + 1)) {
        if (!isAlive(key)) continue;
        read = Math.max(read, size);
        this.#lives.set(key, now + LIFE_MS);
      }
    }
    let written = read;
    for (const mark of marks) {
      const { key, tokens: size } = prefixes[mark] ?? { key: '', tokens: 0 };
      if (size < MIN_TOKENS) continue;
      this.#lives.set(key, now + LIFE_MS);
      written = Math.max(written, size);
    }
    return {
      input_tokens: tokens - written,
      cache_read_input_tokens: read,
      cache_creation_input_tokens: written - read,
    };
  }
}
