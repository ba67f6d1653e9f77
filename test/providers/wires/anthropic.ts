import * as z from 'zod/mini';
import {
  type Answer,
  checkConversation,
  checkRuns,
  checkSignature,
  Echoes,
  type Ending,
  type Fault,
  type Frame,
  PromptRefused,
  parseOrRefuse,
  RETRY_AFTER,
  type Refusal,
  type Run,
  type SeenBlock,
  signatureOf,
  type Wire,
} from './wire.ts';

/**
 * Anthropic's Messages API: `POST /v1/messages`, the key in `x-api-key`, answered in server-sent events.
 * Source: "Streaming messages" and "Errors", Anthropic API documentation.
 */

const MODEL = 'claude-sonnet-4-5';

const API_KEY = 'ant-key-that-nobody-may-see-0123456789';

const TOOL_NAME = /^[a-zA-Z0-9_-]{1,128}$/;

/** Not on thinking, and at most four ("Prompt caching", Anthropic API documentation). */
const cache_control = z.optional(z.strictObject({ type: z.literal('ephemeral') }));
const MAX_MARKS = 4;

const blockSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('text'), text: z.string(), cache_control }),
  z.strictObject({
    type: z.literal('image'),
    source: z.discriminatedUnion('type', [
      z.strictObject({ type: z.literal('url'), url: z.string() }),
      z.strictObject({ type: z.literal('base64'), media_type: z.string(), data: z.base64() }),
    ]),
    cache_control,
  }),
  z.strictObject({
    type: z.literal('document'),
    source: z.strictObject({
      type: z.literal('base64'),
      media_type: z.literal('application/pdf'),
      data: z.base64(),
    }),
    title: z.optional(z.string()),
    cache_control,
  }),
  z.strictObject({ type: z.literal('thinking'), thinking: z.string(), signature: z.string() }),
  z.strictObject({ type: z.literal('redacted_thinking'), data: z.string() }),
  z.strictObject({
    type: z.literal('tool_use'),
    id: z.string(),
    // https://github.com/home-assistant/core/issues/140005
    name: z.string().check(z.regex(TOOL_NAME)),
    input: z.record(z.string(), z.json()),
    cache_control,
  }),
  z.strictObject({
    type: z.literal('server_tool_use'),
    id: z.string().check(z.regex(/^srvtoolu_[a-zA-Z0-9_]+$/)),
    name: z.literal('web_search'),
    input: z.strictObject({ query: z.string() }),
    cache_control,
  }),
  z.strictObject({
    type: z.literal('web_search_tool_result'),
    tool_use_id: z.string(),
    content: z.array(
      z.strictObject({
        type: z.literal('web_search_result'),
        url: z.string(),
        title: z.string(),
        page_age: z.nullish(z.string()),
        encrypted_content: z.string(),
      }),
    ),
    cache_control,
  }),
  z.strictObject({
    type: z.literal('tool_result'),
    tool_use_id: z.string(),
    content: z.string(),
    is_error: z.optional(z.boolean()),
    cache_control,
  }),
]);

const requestSchema = z.looseObject({
  model: z.string(),
  max_tokens: z.int().check(z.positive()),
  stream: z.literal(true),
  system: z.optional(
    z.array(
      z.strictObject({ type: z.literal('text'), text: z.string().check(z.minLength(1)), cache_control }),
    ),
  ),
  messages: z.array(z.strictObject({ role: z.enum(['user', 'assistant']), content: z.array(blockSchema) })),
  tool_choice: z.optional(z.looseObject({ type: z.enum(['auto', 'any', 'tool', 'none']) })),
  tools: z.optional(
    z.array(
      z.union([
        z.looseObject({
          name: z.string().check(z.regex(TOOL_NAME)),
          input_schema: z.record(z.string(), z.json()),
          cache_control,
        }),
        z.looseObject({
          type: z.literal('web_search_20250305'),
          name: z.literal('web_search'),
          max_uses: z.optional(z.int()),
          cache_control,
        }),
      ]),
    ),
  ),
});

const event = (type: string, fields: object = {}): Frame =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;

const FAULTS: Readonly<Record<Fault, readonly [type: string, message: string]>> = {
  throttled: ['rate_limit_error', 'This request would exceed your rate limit.'],
  overloaded: ['overloaded_error', 'Overloaded'],
  model_error: ['api_error', 'Internal server error'],
};

const REFUSALS: Readonly<Record<Refusal, readonly [status: number, type: string, message: string]>> = {
  throttled: [429, 'rate_limit_error', 'This request would exceed your rate limit.'],
  overloaded: [529, 'overloaded_error', 'Overloaded'],
  unauthorised: [401, 'authentication_error', 'invalid x-api-key'],
  unknown_model: [404, 'not_found_error', `model: ${MODEL}`],
  // https://github.com/anthropics/claude-code/issues/2051: no status of its own.
  quota: [400, 'invalid_request_error', 'Your credit balance is too low to access the Anthropic API.'],
  overlong: [400, 'invalid_request_error', 'prompt is too long: 208310 tokens > 200000 maximum'],
  invalid: [400, 'invalid_request_error', 'The request is not valid.'],
};

const echoes = new Echoes();

export const anthropic: Wire = {
  name: 'anthropic',
  model: MODEL,
  path: '/v1/messages',
  contentType: 'text/event-stream; charset=utf-8',
  callPrefix: 'toolu_',
  runPrefix: 'srvtoolu_',
  alternates: true,
  joinsResults: true,
  fetchesImages: true,
  takesAudio: false,
  settings: (origin) => ({ MIDTURN_MODEL_BASE_URL: `${origin}/v1`, MIDTURN_MODEL_API_KEY: API_KEY }),
  secrets: [{ value: API_KEY, as: `the key ${API_KEY}` }],
  isSigned: (headers) => headers['x-api-key'] === API_KEY && headers['anthropic-version'] !== undefined,
  read(body) {
    const { messages, tools, system } = parseOrRefuse(requestSchema, body);
    const marked = [
      ...(tools ?? []),
      ...(system ?? []),
      ...messages.flatMap(({ content }) => content),
    ].filter((block) => 'cache_control' in block && block.cache_control);
    if (marked.length > MAX_MARKS)
      throw new PromptRefused(
        `A maximum of ${MAX_MARKS} blocks with cache_control may be provided. Found ${marked.length}.`,
      );
    const seen = messages.map(({ role, content }) => ({ role, blocks: content.map(seenBlock) }));
    checkConversation(seen);
    checkRuns(seen);
    echoes.check(seen);
    const usesTools = seen.some(({ blocks }) => blocks.some((block) => 'call' in block || 'result' in block));
    if (usesTools && !tools) throw new PromptRefused('Requests which include tool blocks must define tools.');
    return seen;
  },
  forbidsTools(body) {
    const { tools, tool_choice } = requestSchema.parse(body);
    return tools !== undefined && tool_choice?.type === 'none';
  },
  refuse(refusal, detail) {
    const [status, type, message] = REFUSALS[refusal];
    return { status, body: { type: 'error', error: { type, message: `${message} ${detail}` } } };
  },
  // "Handling stop reasons" and "Rate limits", Anthropic API documentation.
  endings: ['answered', 'calls', 'withheld', 'length', 'window', 'paused', 'unsaid'],
  pauses: RETRY_AFTER,
  answer,
};

const STOP_REASONS: Readonly<Partial<Record<Ending, string>>> = {
  answered: 'end_turn',
  calls: 'tool_use',
  withheld: 'refusal',
  length: 'max_tokens',
  window: 'model_context_window_exceeded',
  paused: 'pause_turn',
};

function seenBlock(block: z.infer<typeof blockSchema>): SeenBlock {
  switch (block.type) {
    case 'text':
      return { text: block.text };
    case 'image': {
      const { source } = block;
      return {
        image: source.type === 'url' ? source.url : `data:${source.media_type};base64,${source.data}`,
      };
    }
    case 'document':
      return { image: `data:${block.source.media_type};base64,${block.source.data}` };
    case 'thinking':
      checkSignature(block.thinking, block.signature);
      return { thought: block.thinking };
    case 'redacted_thinking':
      return { thought: block.data };
    case 'tool_use':
      return { call: block.id, name: block.name, args: block.input };
    case 'server_tool_use':
      return { ran: block.id, query: block.input.query };
    case 'web_search_tool_result':
      for (const { url, encrypted_content } of block.content)
        if (encrypted_content !== signatureOf(url))
          throw new PromptRefused('Invalid `encrypted_content` in `search_result` block');
      return { found: block.tool_use_id, urls: block.content.map(({ url }) => url) };
    case 'tool_result':
      return { result: block.tool_use_id, output: block.content };
  }
}

function answer(model: string): Answer {
  const echo = echoes.answer();
  let blocks = 0;
  let textOpen = false;
  let thinking = false;
  const closeText = (): Frame[] => {
    if (!textOpen) return [];
    textOpen = false;
    return [event('content_block_stop', { index: blocks++ })];
  };
  function found(run: Run): Frame[] {
    echo.found(run);
    const closed = closeText();
    const index = blocks++;
    const content = (run.finds ?? []).map(({ url, title }) => ({
      type: 'web_search_result',
      url,
      title,
      encrypted_content: signatureOf(url),
      page_age: null,
    }));
    const content_block = { type: 'web_search_tool_result', tool_use_id: run.id, content };
    return [
      ...closed,
      event('content_block_start', { index, content_block }),
      event('content_block_stop', { index }),
    ];
  }
  return {
    begin: ({ input }) => [
      event('message_start', {
        message: {
          id: 'msg_1',
          type: 'message',
          role: 'assistant',
          model,
          content: [],
          stop_reason: null,
          stop_sequence: null,
          usage: { input_tokens: input, output_tokens: 1 },
        },
      }),
      event('ping'),
    ],
    text(delta) {
      echo.text(delta);
      const index = blocks;
      const start = textOpen
        ? []
        : [event('content_block_start', { index, content_block: { type: 'text', text: '' } })];
      textOpen = true;
      return [...start, event('content_block_delta', { index, delta: { type: 'text_delta', text: delta } })];
    },
    think(delta) {
      echo.think(delta);
      const closed = closeText();
      const index = blocks;
      const content_block = { type: 'thinking', thinking: '', signature: '' };
      const start = thinking ? [] : [event('content_block_start', { index, content_block })];
      thinking = true;
      return [
        ...closed,
        ...start,
        event('content_block_delta', { index, delta: { type: 'thinking_delta', thinking: delta } }),
      ];
    },
    endThought() {
      thinking = false;
      const index = blocks++;
      const signature = signatureOf(echo.endThought());
      return [
        event('content_block_delta', { index, delta: { type: 'signature_delta', signature } }),
        event('content_block_stop', { index }),
      ];
    },
    redacted(data) {
      echo.redacted(data);
      const closed = closeText();
      const index = blocks++;
      return [
        ...closed,
        event('content_block_start', { index, content_block: { type: 'redacted_thinking', data } }),
        event('content_block_stop', { index }),
      ];
    },
    call(call) {
      echo.call(call);
      const { id, name, pieces } = call;
      const closed = closeText();
      const index = blocks++;
      return [
        ...closed,
        event('content_block_start', { index, content_block: { type: 'tool_use', id, name, input: {} } }),
        ...pieces.map((partial_json) =>
          event('content_block_delta', { index, delta: { type: 'input_json_delta', partial_json } }),
        ),
        event('content_block_stop', { index }),
      ];
    },
    run(run) {
      echo.ran(run);
      const closed = closeText();
      const index = blocks++;
      const content_block = { type: 'server_tool_use', id: run.id, name: 'web_search', input: {} };
      const partial_json = JSON.stringify({ query: run.query });
      return [
        ...closed,
        event('content_block_start', { index, content_block }),
        event('content_block_delta', { index, delta: { type: 'input_json_delta', partial_json } }),
        event('content_block_stop', { index }),
        ...(run.finds ? found(run) : []),
      ];
    },
    found,
    finish(ending, usage) {
      const stop_reason = STOP_REASONS[ending] ?? null;
      return [
        ...closeText(),
        event('message_delta', {
          delta: { stop_reason, stop_sequence: null },
          ...(usage && { usage: { output_tokens: usage.output } }),
        }),
        event('message_stop'),
      ];
    },
    nothing: () => [event('ping')],
    fault(fault) {
      const [type, message] = FAULTS[fault];
      return [event('error', { error: { type, message } })];
    },
  };
}
