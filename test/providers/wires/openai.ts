import * as z from 'zod/mini';
import type { Json } from '../../../core/json.ts';
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
  signatureOf,
  type Usage,
  type Wire,
  withHeader,
} from './wire.ts';

/**
 * OpenAI's Responses API: `POST /v1/responses`, the key as a bearer token, answered in server-sent events with numbers in
 * sequence. A prompt is a list of items: messages, calls, their outputs, and what the model has thought.
 * Sources: "Create a model response" and "Streaming events", OpenAI API reference.
 */

const MODEL = 'gpt-5-mini';
const API_KEY = 'openai-key-that-nobody-may-see-0123456789';

/** "string does not match pattern": https://github.com/CherryHQ/cherry-studio/pull/2895 */
const NAME = z.string().check(z.regex(/^[a-zA-Z0-9_-]{1,128}$/));
/** https://github.com/openai/codex/issues/14355: "string too long. Expected a string with maximum length 64". */
const CALL_ID = z.string().check(z.minLength(1), z.maxLength(64));

const inputPart = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('input_text'), text: z.string() }),
  z.strictObject({ type: z.literal('input_file'), filename: z.string(), file_data: z.string() }),
  z.strictObject({
    type: z.literal('input_image'),
    image_url: z.string(),
    detail: z.optional(z.enum(['low', 'high', 'auto', 'original'])),
  }),
]);

const outputPart = z.strictObject({ type: z.literal('output_text'), text: z.string() });

const itemSchema = z.union([
  z.strictObject({ role: z.enum(['system', 'developer']), content: z.string() }),
  z.strictObject({ role: z.literal('user'), content: z.array(inputPart).check(z.minLength(1)) }),
  z.strictObject({
    role: z.literal('assistant'),
    content: z.union([z.string(), z.array(outputPart)]),
    id: z.optional(z.string().check(z.startsWith('msg_'))),
    phase: z.optional(z.enum(['commentary', 'final_answer'])),
  }),
  z.strictObject({
    type: z.literal('function_call'),
    call_id: CALL_ID,
    name: NAME,
    arguments: z.string(),
    id: z.optional(z.string().check(z.startsWith('fc_'))),
  }),
  z.strictObject({
    type: z.literal('function_call_output'),
    call_id: CALL_ID,
    output: z.union([z.string(), z.array(inputPart)]),
  }),
  z.strictObject({
    type: z.literal('reasoning'),
    id: z.optional(z.string().check(z.startsWith('rs_'))),
    summary: z.array(z.strictObject({ type: z.literal('summary_text'), text: z.string() })),
    encrypted_content: z.nullish(z.string()),
  }),
  z.strictObject({ type: z.literal('item_reference'), id: z.string() }),
  z.strictObject({
    type: z.literal('web_search_call'),
    id: z.string().check(z.startsWith('ws_')),
    status: z.literal('completed'),
    action: z.strictObject({
      type: z.literal('search'),
      query: z.string(),
      sources: z.optional(z.array(z.strictObject({ type: z.literal('url'), url: z.string() }))),
    }),
  }),
]);

type Item = z.infer<typeof itemSchema>;

const requestSchema = z.looseObject({
  model: z.string(),
  stream: z.literal(true),
  input: z.array(itemSchema).check(z.minLength(1)),
  store: z.optional(z.boolean()),
  include: z.optional(z.array(z.string())),
  // https://github.com/vectorize-io/hindsight/issues/58: "integer below minimum value. Expected a value >= 16".
  max_output_tokens: z.optional(z.int().check(z.minimum(16))),
  tool_choice: z.optional(z.enum(['auto', 'none', 'required'])),
  tools: z.optional(
    z.array(
      z.union([
        z.looseObject({
          type: z.literal('function'),
          name: NAME,
          parameters: z.looseObject({ type: z.literal('object') }),
          strict: z.optional(z.boolean()),
        }),
        z.looseObject({ type: z.literal('web_search') }),
      ]),
    ),
  ),
});

/** As `error` events and as failed responses: https://github.com/anomalyco/opencode/issues/25884 has an example of the first. */
const FAULTS: Readonly<Record<Fault, { type: 'error' | 'response.failed'; code: string; message: string }>> =
  {
    throttled: { type: 'response.failed', code: 'rate_limit_exceeded', message: 'Rate limit reached.' },
    overloaded: {
      type: 'error',
      code: 'server_is_overloaded',
      message: 'Our servers are currently overloaded. Please try again later.',
    },
    model_error: {
      type: 'response.failed',
      code: 'server_error',
      message: 'An error occurred while processing your request.',
    },
  };

const REFUSALS: Readonly<
  Record<Refusal, readonly [status: number, type: string, code: string | null, message: string]>
> = {
  throttled: [429, 'requests', 'rate_limit_exceeded', 'Rate limit reached.'],
  overloaded: [503, 'service_unavailable_error', 'server_is_overloaded', 'Our servers are overloaded.'],
  unauthorised: [401, 'invalid_request_error', 'invalid_api_key', 'Incorrect API key provided.'],
  unknown_model: [
    400,
    'invalid_request_error',
    'model_not_found',
    `The requested model '${MODEL}' does not exist.`,
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
    'Your input exceeds the context window of this model. Please adjust your input and try again.',
  ],
  invalid: [400, 'invalid_request_error', null, 'The request is not valid.'],
};

const echoes = new Echoes();
/** Ids of what the model thought are unique. */
let thoughts = 0;

export const openai: Wire = {
  name: 'openai',
  model: MODEL,
  path: '/v1/responses',
  contentType: 'text/event-stream; charset=utf-8',
  callPrefix: 'call_',
  runPrefix: 'ws_',
  alternates: false,
  joinsResults: false,
  fetchesImages: true,
  takesAudio: false,
  settings: (origin) => ({ MIDTURN_MODEL_BASE_URL: `${origin}/v1`, MIDTURN_MODEL_API_KEY: API_KEY }),
  secrets: [{ value: API_KEY, as: `the key ${API_KEY}` }],
  isSigned: ({ authorization }) => authorization === `Bearer ${API_KEY}`,
  read(body) {
    const { input, store, tools } = parseOrRefuse(requestSchema, body);
    checkItems(input, store ?? true);
    const seen = seenMessages(input);
    if (seen.some((message) => callsOf(message).length > 0) && !tools) {
      throw new PromptRefused('Calls without tools.');
    }
    echoes.check(seen);
    return seen;
  },
  forbidsTools(body) {
    const { tools, tool_choice } = requestSchema.parse(body);
    return tools !== undefined && tool_choice === 'none';
  },
  refuse(refusal, detail) {
    const [status, type, code, message] = REFUSALS[refusal];
    return { status, body: { error: { message: `${message} ${detail}`, type, param: null, code } } };
  },
  // `response.incomplete` names two reasons ("Responses", OpenAI API reference).
  endings: ['answered', 'calls', 'withheld', 'length', 'unsaid'],
  pauses: {
    ...RETRY_AFTER,
    'retry-after-ms': (refusal, ms) => withHeader(refusal, 'retry-after-ms', String(ms)),
  },
  answer,
};

const INCOMPLETE: Readonly<Partial<Record<Ending, string>>> = {
  withheld: 'content_filter',
  length: 'max_output_tokens',
};

function checkItems(items: readonly Item[], stored: boolean): void {
  const called = new Set<string>();
  const answered = new Set<string>();
  for (const [n, item] of items.entries()) {
    if (!('type' in item)) continue;
    switch (item.type) {
      case 'function_call':
        called.add(item.call_id);
        break;
      case 'function_call_output':
        // https://github.com/continuedev/continue/issues/10092
        if (!called.has(item.call_id)) {
          throw new PromptRefused(
            `No tool call found for function call output with call_id ${item.call_id}.`,
          );
        }
        answered.add(item.call_id);
        break;
      case 'reasoning':
        checkReasoning(item, items[n + 1], stored);
        break;
      case 'item_reference':
        // This server keeps nothing, as for an organization without data retention: https://github.com/runvendo/vendo/pull/1071
        throw new PromptRefused(`Item with id '${item.id}' not found.`, notFound(item.id));
    }
  }
  // https://github.com/Gitlawb/openclaude/issues/187
  for (const id of called) {
    if (!answered.has(id)) throw new PromptRefused(`No tool output found for function call ${id}.`);
  }
}

const notFound = (id: string) => ({
  status: 404,
  body: {
    error: {
      message: `Item with id '${id}' not found. Items are not persisted when \`store\` is set to false.`,
      type: 'invalid_request_error',
      param: 'input',
      code: null,
    },
  },
});

/** https://github.com/continuedev/continue/pull/11785 collects what is refused of reasoning. */
function checkReasoning(
  { id, encrypted_content }: Extract<Item, { type: 'reasoning' }>,
  next: Item | undefined,
  stored: boolean,
): void {
  if (!stored && !encrypted_content) {
    throw new PromptRefused(`Item with id '${id}' not found.`, notFound(id ?? ''));
  }
  const follows =
    next !== undefined && ('type' in next ? next.type !== 'function_call_output' : next.role === 'assistant');
  if (!follows) {
    throw new PromptRefused(
      `Item '${id}' of type 'reasoning' was provided without its required following item.`,
    );
  }
}

/** The items of one answer become one message. Instructions are left out. */
function seenMessages(items: readonly Item[]): SeenMessage[] {
  const seen: SeenMessage[] = [];
  const said = (...blocks: SeenBlock[]) => {
    const last = seen.at(-1);
    if (last?.role === 'assistant') last.blocks.push(...blocks);
    else seen.push({ role: 'assistant', blocks });
  };
  for (const item of items) {
    if ('type' in item) {
      if (item.type === 'reasoning') {
        const thought = item.summary.map(({ text }) => text).join('');
        // "The encrypted content could not be verified": https://github.com/openai/codex/issues/8119
        if (item.encrypted_content && item.encrypted_content !== signatureOf(thought)) {
          throw new PromptRefused('The encrypted content could not be verified.');
        }
        said({ thought });
      } else if (item.type === 'function_call') {
        said({ call: item.call_id, name: item.name, args: objectOf(item.arguments) });
      } else if (item.type === 'web_search_call') {
        const urls = item.action.sources?.map(({ url }) => url) ?? [];
        said({ ran: item.id, query: item.action.query }, { found: item.id, urls });
      } else if (item.type === 'function_call_output') {
        const output =
          typeof item.output === 'string' ? item.output : JSON.stringify(item.output.map(seenPart));
        seen.push({ role: 'tool', blocks: [{ result: item.call_id, output }] });
      }
    } else if (item.role === 'user') {
      seen.push({ role: 'user', blocks: item.content.map(seenPart) });
    } else if (item.role === 'assistant') {
      const texts = typeof item.content === 'string' ? [item.content] : item.content.map(({ text }) => text);
      said(...texts.map((text) => ({ text })));
    }
  }
  return seen;
}

function objectOf(text: string): Json {
  try {
    return JSON.parse(text);
  } catch {
    throw new PromptRefused(`Arguments that are no JSON: ${text}`);
  }
}

function seenPart(part: z.infer<typeof inputPart>): SeenBlock {
  if (part.type === 'input_text') return { text: part.text };
  return { image: part.type === 'input_file' ? part.file_data : part.image_url };
}

function answer(model: string): Answer {
  let sequence = 0;
  let outputs = 0;
  let text: string | undefined;
  let thought: string | undefined;
  const echo = echoes.answer();
  const event = (type: string, fields: object): Frame =>
    `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: sequence++, ...fields })}\n\n`;
  const response = (status: string, fields: object = {}) => ({
    response: {
      id: 'resp_1',
      object: 'response',
      created_at: 1,
      model,
      status,
      error: null,
      incomplete_details: null,
      output: [],
      usage: null,
      ...fields,
    },
  });
  const usageOf = ({ input, output, cached = 0, thought = 0 }: Usage) => ({
    input_tokens: input,
    input_tokens_details: { cached_tokens: cached },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: thought },
    total_tokens: input + output,
  });
  const message = (status: string, content: object[]) => ({
    type: 'message',
    id: `msg_${outputs}`,
    role: 'assistant',
    status,
    content,
  });
  const place = () => ({ item_id: `msg_${outputs}`, output_index: outputs, content_index: 0 });
  const closeText = (): Frame[] => {
    if (text === undefined) return [];
    const part = { type: 'output_text', text, annotations: [] };
    const frames = [
      event('response.output_text.done', { ...place(), text }),
      event('response.content_part.done', { ...place(), part }),
      event('response.output_item.done', { output_index: outputs, item: message('completed', [part]) }),
    ];
    text = undefined;
    outputs++;
    return frames;
  };
  return {
    begin: () => [
      event('response.created', response('in_progress')),
      event('response.in_progress', response('in_progress')),
    ],
    think(delta) {
      echo.think(delta);
      const closed = closeText();
      const output_index = outputs;
      if (thought === undefined) thoughts++;
      const item_id = `rs_${thoughts}`;
      const opening =
        thought === undefined
          ? [
              event('response.output_item.added', {
                output_index,
                item: { type: 'reasoning', id: item_id, summary: [], encrypted_content: null },
              }),
              event('response.reasoning_summary_part.added', {
                item_id,
                output_index,
                summary_index: 0,
                part: { type: 'summary_text', text: '' },
              }),
            ]
          : [];
      thought = (thought ?? '') + delta;
      const said = { item_id, output_index, summary_index: 0, delta };
      return [...closed, ...opening, event('response.reasoning_summary_text.delta', said)];
    },
    endThought() {
      const whole = echo.endThought();
      thought = undefined;
      const part = { type: 'summary_text', text: whole };
      const id = `rs_${thoughts}`;
      const place = { item_id: id, output_index: outputs, summary_index: 0 };
      const item = { type: 'reasoning', id, summary: [part], encrypted_content: signatureOf(whole) };
      return [
        event('response.reasoning_summary_text.done', { ...place, text: whole }),
        event('response.reasoning_summary_part.done', { ...place, part }),
        event('response.output_item.done', { output_index: outputs++, item }),
      ];
    },
    text(delta) {
      echo.text(delta);
      const opening =
        text === undefined
          ? [
              event('response.output_item.added', {
                output_index: outputs,
                item: message('in_progress', []),
              }),
              event('response.content_part.added', {
                ...place(),
                part: { type: 'output_text', text: '', annotations: [] },
              }),
            ]
          : [];
      text = (text ?? '') + delta;
      return [...opening, event('response.output_text.delta', { ...place(), delta })];
    },
    call(call) {
      echo.call(call);
      const { id, name, pieces } = call;
      const closed = closeText();
      const output_index = outputs++;
      const item_id = `fc_${output_index}`;
      const item = (status: string, args: string) => ({
        type: 'function_call',
        id: item_id,
        call_id: id,
        name,
        arguments: args,
        status,
      });
      const whole = pieces.join('');
      return [
        ...closed,
        event('response.output_item.added', { output_index, item: item('in_progress', '') }),
        ...pieces.map((delta) =>
          event('response.function_call_arguments.delta', { item_id, output_index, delta }),
        ),
        event('response.function_call_arguments.done', { item_id, output_index, arguments: whole }),
        event('response.output_item.done', { output_index, item: item('completed', whole) }),
      ];
    },
    run(run) {
      echo.ran(run);
      echo.found(run);
      const closed = closeText();
      const output_index = outputs++;
      const { id, query, finds = [] } = run;
      const sources = finds.map(({ url }) => ({ type: 'url', url }));
      const item = { type: 'web_search_call', id };
      const action = { type: 'search', query, sources };
      return [
        ...closed,
        event('response.output_item.added', { output_index, item: { ...item, status: 'in_progress' } }),
        event('response.output_item.done', { output_index, item: { ...item, status: 'completed', action } }),
      ];
    },
    finish(ending, usage) {
      const closed = closeText();
      if (ending === 'unsaid') return closed;
      const reason = INCOMPLETE[ending];
      const [type, fields] = reason ? ['incomplete', { incomplete_details: { reason } }] : ['completed', {}];
      const counted = usage ? usageOf(usage) : null;
      return [...closed, event(`response.${type}`, response(type, { usage: counted, ...fields }))];
    },
    // No page lists it: https://github.com/openai/openai-node/issues/1964
    nothing: () => [event('keepalive', {})],
    fault(fault) {
      const { type, code, message: words } = FAULTS[fault];
      return [
        type === 'error'
          ? event('error', { code, message: words, param: null })
          : event('response.failed', response('failed', { error: { code, message: words } })),
      ];
    },
  };
}
