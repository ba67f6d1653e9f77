import * as z from 'zod/mini';
import {
  type Answer,
  callsOf,
  Echoes,
  type Ending,
  type Fault,
  type Frame,
  PromptRefused,
  parseOrRefuse,
  RETRY_AFTER,
  type Refusal,
  type SeenBlock,
  type SeenMessage,
  type Wire,
  withHeader,
} from './wire.ts';

/**
 * OpenAI's chat completions, which many servers speak: `POST /v1/chat/completions`, the key as a bearer token, answered
 * in server-sent events. Roles need not alternate here, but results follow their calls at once.
 * Source: "Chat completions" and "Error codes", OpenAI API reference.
 */

const MODEL = 'gpt-5-mini';
const API_KEY = 'compatible-key-that-nobody-may-see-0123456789';

const partSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('text'), text: z.string() }),
  z.strictObject({ type: z.literal('image_url'), image_url: z.strictObject({ url: z.string() }) }),
  z.strictObject({
    type: z.literal('file'),
    file: z.strictObject({ filename: z.string(), file_data: z.string() }),
  }),
  z.strictObject({
    type: z.literal('input_audio'),
    input_audio: z.strictObject({ data: z.base64(), format: z.enum(['wav', 'mp3']) }),
  }),
]);

const messageSchema = z.discriminatedUnion('role', [
  z.strictObject({ role: z.literal('system'), content: z.string() }),
  z.strictObject({
    role: z.literal('user'),
    content: z.union([z.string(), z.array(partSchema).check(z.minLength(1))]),
  }),
  z.strictObject({
    role: z.literal('assistant'),
    content: z.nullish(z.string()),
    reasoning_content: z.optional(z.string()),
    tool_calls: z.optional(
      z
        .array(
          z.strictObject({
            id: z.string(),
            type: z.literal('function'),
            // https://github.com/mcp-use/mcp-use/issues/90
            function: z.strictObject({
              name: z.string().check(z.regex(/^[a-zA-Z0-9_-]{1,64}$/)),
              arguments: z.string(),
            }),
            extra_content: z.optional(
              z.strictObject({ google: z.strictObject({ thought_signature: z.string() }) }),
            ),
          }),
        )
        // https://github.com/pydantic/pydantic-ai/issues/1105
        .check(z.minLength(1), z.maxLength(128)),
    ),
  }),
  z.strictObject({ role: z.literal('tool'), tool_call_id: z.string(), content: z.string() }),
]);

const requestSchema = z.looseObject({
  model: z.string(),
  stream: z.literal(true),
  // Without it, no usage is sent.
  stream_options: z.looseObject({ include_usage: z.literal(true) }),
  messages: z.array(messageSchema),
  tool_choice: z.optional(z.enum(['auto', 'none', 'required'])),
  tools: z.optional(z.array(z.looseObject({ type: z.literal('function') }))),
});

const FAULTS: Readonly<Record<Fault, { message: string; type: string; code: string | null }>> = {
  throttled: { message: 'Rate limit reached.', type: 'requests', code: 'rate_limit_exceeded' },
  overloaded: { message: 'The engine is overloaded.', type: 'service_unavailable_error', code: null },
  model_error: { message: 'The server had an error.', type: 'server_error', code: null },
};

const REFUSALS: Readonly<
  Record<Refusal, readonly [status: number, type: string, code: string | null, message: string]>
> = {
  throttled: [429, 'requests', 'rate_limit_exceeded', 'Rate limit reached.'],
  overloaded: [503, 'server_error', null, 'The engine is overloaded.'],
  unauthorised: [401, 'invalid_request_error', 'invalid_api_key', 'Incorrect API key provided.'],
  unknown_model: [
    404,
    'invalid_request_error',
    'model_not_found',
    `The model \`${MODEL}\` does not exist or you do not have access to it.`,
  ],
  quota: [
    429,
    'insufficient_quota',
    'insufficient_quota',
    'You exceeded your current quota, please check your plan and billing details.',
  ],
  overlong: [
    400,
    'invalid_request_error',
    'context_length_exceeded',
    "This model's maximum context length is 128000 tokens.",
  ],
  invalid: [400, 'invalid_request_error', null, 'The request is not valid.'],
};

type Messages = z.infer<typeof requestSchema>['messages'];

/** How a server shows what its model thinks, and what it wants back of it. */
interface Thinking {
  label?: string;
  /** What begins the answer's first call. */
  sign?: (callId: string) => string;
  /** @throws {PromptRefused} */
  check(messages: Messages): void;
}

const NO_THINKING: Thinking = { check: refuseThinking };

/** @param thinking by default a server that knows no thinking: it refuses fields of others (Groq: https://github.com/janhq/jan/issues/8136, Mistral: https://github.com/charmbracelet/crush/issues/1590) */
export function chatCompletions(thinking: Thinking = NO_THINKING): Wire {
  const echoes = new Echoes();
  return {
    name: 'openai-compatible',
    ...(thinking.label !== undefined && { label: thinking.label }),
    model: MODEL,
    path: '/v1/chat/completions',
    contentType: 'text/event-stream',
    callPrefix: 'call_',
    alternates: false,
    joinsResults: false,
    fetchesImages: true,
    takesAudio: true,
    settings: (origin) => ({ MIDTURN_MODEL_BASE_URL: `${origin}/v1`, MIDTURN_MODEL_API_KEY: API_KEY }),
    secrets: [{ value: API_KEY, as: `the key ${API_KEY}` }],
    isSigned: ({ authorization }) => authorization === `Bearer ${API_KEY}`,
    read(body) {
      const { messages, tools } = parseOrRefuse(requestSchema, body);
      thinking.check(messages);
      const seen = messages.map(seenMessage);
      checkPairs(seen);
      if (seen.some((message) => callsOf(message).length > 0) && !tools) {
        throw new PromptRefused('Calls without tools.');
      }
      if (thinking !== NO_THINKING) echoes.check(seen);
      return seen.filter(({ role }) => role !== 'system');
    },
    forbidsTools(body) {
      const { tools, tool_choice } = requestSchema.parse(body);
      return tools !== undefined && tool_choice === 'none';
    },
    refuse(refusal, detail) {
      const [status, type, code, message] = REFUSALS[refusal];
      return { status, body: { error: { message: `${message} ${detail}`, type, param: null, code } } };
    },
    endings: ['answered', 'calls', 'withheld', 'length', 'unsaid'],
    // Azure adds `retry-after-ms` ("Manage Azure OpenAI quota", and OpenAI's own clients read it).
    pauses: {
      ...RETRY_AFTER,
      'retry-after-ms': (refusal, ms) => withHeader(refusal, 'retry-after-ms', String(ms)),
    },
    answer: (model) => answer(model, echoes, thinking),
  };
}

function refuseThinking(messages: Messages): void {
  for (const message of messages) {
    if (message.role !== 'assistant') continue;
    const isSigned = message.tool_calls?.some(({ extra_content }) => extra_content);
    if (message.reasoning_content !== undefined || isSigned)
      throw new PromptRefused('Additional properties are not allowed.');
  }
}

export const openaiCompatible: Wire = chatCompletions();

const FINISH_REASONS: Readonly<Partial<Record<Ending, string>>> = {
  answered: 'stop',
  calls: 'tool_calls',
  withheld: 'content_filter',
  length: 'length',
};

function seenMessage(message: z.infer<typeof messageSchema>): SeenMessage {
  const { role } = message;
  switch (message.role) {
    case 'tool':
      return { role, blocks: [{ result: message.tool_call_id, output: message.content }] };
    case 'assistant': {
      const thoughts: SeenBlock[] = message.reasoning_content ? [{ thought: message.reasoning_content }] : [];
      const text: SeenBlock[] = message.content ? [{ text: message.content }] : [];
      const calls = (message.tool_calls ?? []).map(
        ({ id, function: { name, arguments: args } }): SeenBlock => ({
          call: id,
          name,
          args: JSON.parse(args),
        }),
      );
      return { role, blocks: [...thoughts, ...text, ...calls] };
    }
    case 'user':
      return {
        role,
        blocks:
          typeof message.content === 'string' ? [{ text: message.content }] : message.content.map(seenPart),
      };
    default:
      return { role, blocks: [{ text: message.content }] };
  }
}

function seenPart(part: z.infer<typeof partSchema>): SeenBlock {
  switch (part.type) {
    case 'text':
      return { text: part.text };
    case 'image_url':
      return { image: part.image_url.url };
    case 'file':
      return { image: part.file.file_data };
    case 'input_audio':
      return { image: `data:audio/${part.input_audio.format};base64,${part.input_audio.data}` };
  }
}

/** Each call is answered by a message of role `tool` right behind it, and no such message stands elsewhere. */
function checkPairs(messages: readonly SeenMessage[]): void {
  let open: string[] = [];
  for (const message of messages) {
    const results = message.blocks.flatMap((block) => ('result' in block ? [block.result] : []));
    for (const id of results) {
      if (!open.includes(id)) throw new PromptRefused(`The result ${id} does not follow its call.`);
    }
    open = open.filter((id) => !results.includes(id));
    if (message.role !== 'tool' && open.length > 0) throw new PromptRefused(`No results for calls ${open}.`);
    if (message.blocks.length === 0) throw new PromptRefused('A message must have content or calls.');
    open.push(...callsOf(message));
  }
  if (open.length > 0) throw new PromptRefused(`No results for calls ${open}.`);
}

function answer(model: string, echoes: Echoes, { sign }: Thinking): Answer {
  const echo = echoes.answer();
  let calls = 0;
  const data = (value: object): Frame => `data: ${JSON.stringify(value)}\n\n`;
  const chunk = (fields: object): Frame =>
    data({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model, ...fields });
  const delta = (content: object) => chunk({ choices: [{ index: 0, delta: content, finish_reason: null }] });
  return {
    begin: () => [delta({ role: 'assistant', content: '' })],
    text(content) {
      echo.text(content);
      return [delta({ content })];
    },
    think(reasoning_content) {
      echo.think(reasoning_content);
      return [delta({ reasoning_content })];
    },
    endThought() {
      echo.endThought();
      return [];
    },
    call(call) {
      echo.call(call);
      const { id, name, pieces } = call;
      const index = calls++;
      const signed = sign && index === 0 && { extra_content: { google: { thought_signature: sign(id) } } };
      return [
        delta({
          tool_calls: [{ index, id, type: 'function', function: { name, arguments: '' }, ...signed }],
        }),
        ...pieces.map((piece) => delta({ tool_calls: [{ index, function: { arguments: piece } }] })),
      ];
    },
    finish(ending, counted) {
      const finish_reason = FINISH_REASONS[ending] ?? null;
      const { input, output } = counted ?? { input: 0, output: 0 };
      const usage = { prompt_tokens: input, completion_tokens: output, total_tokens: input + output };
      return [
        chunk({ choices: [{ index: 0, delta: {}, finish_reason }] }),
        ...(counted ? [chunk({ choices: [], usage })] : []),
        'data: [DONE]\n\n',
      ];
    },
    // Azure's first chunk says what its filters found in the prompt ("Content filtering", Azure OpenAI documentation).
    nothing: () => [chunk({ choices: [], prompt_filter_results: [] })],
    fault: (fault) => [data({ error: { ...FAULTS[fault], param: null } })],
  };
}
