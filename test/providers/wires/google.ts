import * as z from 'zod/mini';
import type { Json } from '../../../core/json.ts';
import {
  type Answer,
  Echoes,
  type Ending,
  type Fault,
  type Frame,
  type HttpAnswer,
  PromptRefused,
  parseOrRefuse,
  type Refusal,
  type SeenBlock,
  type SeenMessage,
  type Usage,
  type Wire,
} from './wire.ts';

/**
 * Google's Gemini API: `POST /v1beta/models/{id}:streamGenerateContent?alt=sse`, the key in `x-goog-api-key`, answered in
 * server-sent events without names. Roles need not alternate, results are one message, and a call is signed.
 * Sources: "Generating content", "Function calling" and "Thought signatures", Gemini API documentation.
 */

const MODEL = 'gemini-3-flash';
const API_KEY = 'AIza-that-nobody-may-see-0123456789abcdef';

/** Instead of a signature, for calls that this model has not made ("Thought signatures", Gemini API documentation). */
const NO_SIGNATURE = 'skip_thought_signature_validator';
const signatureOf = (call: string): string => Buffer.from(`signed ${call}`).toString('base64');

/** "Must be a-z, A-Z, 0-9, or contain underscores, colons, dots, and dashes": `FunctionDeclaration`, Gemini API reference. */
const NAME = z.string().check(z.regex(/^[a-zA-Z_][a-zA-Z0-9_:.-]{0,127}$/));

/** Signed or not: a part that the model has said. */
const signed = { thoughtSignature: z.optional(z.base64()) };

const partSchema = z.union([
  z.strictObject({ text: z.string(), thought: z.optional(z.literal(true)), ...signed }),
  z.strictObject({ inlineData: z.strictObject({ mimeType: z.string(), data: z.base64() }), ...signed }),
  // "Combine built-in tools and function calling", Gemini API documentation: all of it goes back as it came.
  z.strictObject({
    toolCall: z.strictObject({
      toolType: z.literal('GOOGLE_SEARCH_WEB'),
      args: z.strictObject({ queries: z.array(z.string()) }),
      id: z.string(),
    }),
    thoughtSignature: z.string(),
  }),
  z.strictObject({
    toolResponse: z.strictObject({
      toolType: z.literal('GOOGLE_SEARCH_WEB'),
      response: z.strictObject({ urls: z.array(z.string()) }),
      id: z.string(),
    }),
    thoughtSignature: z.optional(z.string()),
  }),
  z.strictObject({
    functionCall: z.strictObject({
      id: z.optional(z.string()),
      name: NAME,
      args: z.record(z.string(), z.json()),
    }),
    // Either of the values that stand for a signature is no base64.
    thoughtSignature: z.optional(z.string()),
  }),
  z.strictObject({
    functionResponse: z.strictObject({
      id: z.optional(z.string()),
      name: NAME,
      response: z.record(z.string(), z.json()),
    }),
  }),
]);

type Part = z.infer<typeof partSchema>;

const contentSchema = z.strictObject({ role: z.enum(['user', 'model']), parts: z.array(partSchema) });

type SaidContent = z.infer<typeof contentSchema>;

const requestSchema = z.looseObject({
  contents: z.array(contentSchema).check(z.minLength(1)),
  systemInstruction: z.optional(
    z.strictObject({ parts: z.array(z.strictObject({ text: z.string().check(z.minLength(1)) })) }),
  ),
  tools: z.optional(
    z.array(
      z.union([
        z.strictObject({ functionDeclarations: z.array(z.looseObject({ name: NAME })) }),
        z.strictObject({ googleSearch: z.strictObject({}) }),
      ]),
    ),
  ),
  toolConfig: z.optional(
    z.looseObject({
      includeServerSideToolInvocations: z.optional(z.boolean()),
      functionCallingConfig: z.optional(
        z.looseObject({ mode: z.enum(['AUTO', 'ANY', 'NONE', 'VALIDATED']) }),
      ),
    }),
  ),
});

interface GoogleError {
  code: number;
  status: string;
  message: string;
  details?: Json[];
}

/** Limits of the minute and of the day have the same words: https://github.com/google-gemini/gemini-cli/issues/8437 */
const LIMITED = 'You exceeded your current quota, please check your plan and billing details.';

const limitOf = (quotaId: string): Json => ({
  '@type': 'type.googleapis.com/google.rpc.QuotaFailure',
  violations: [
    { quotaMetric: 'generativelanguage.googleapis.com/generate_content_requests', quotaId, quotaValue: '10' },
  ],
});
const retryIn = (retryDelay: string): Json => ({
  '@type': 'type.googleapis.com/google.rpc.RetryInfo',
  retryDelay,
});

const THROTTLED: GoogleError = {
  code: 429,
  status: 'RESOURCE_EXHAUSTED',
  message: LIMITED,
  details: [limitOf('GenerateRequestsPerMinutePerProjectPerModel'), retryIn('0.02s')],
};
const OVERLOADED: GoogleError = {
  code: 503,
  status: 'UNAVAILABLE',
  message: 'The model is overloaded. Please try again later.',
};
const BROKEN: GoogleError = { code: 500, status: 'INTERNAL', message: 'An internal error has occurred.' };

const FAULTS: Readonly<Record<Fault, GoogleError>> = {
  throttled: THROTTLED,
  overloaded: OVERLOADED,
  model_error: BROKEN,
};

const invalid = (message: string, details?: Json[]): GoogleError => ({
  code: 400,
  status: 'INVALID_ARGUMENT',
  message,
  ...(details && { details }),
});

const REFUSALS: Readonly<Record<Refusal, GoogleError>> = {
  throttled: THROTTLED,
  overloaded: OVERLOADED,
  // Not 401: https://github.com/can1357/oh-my-pi/issues/449
  unauthorised: invalid('API key not valid. Please pass a valid API key.', [
    {
      '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
      reason: 'API_KEY_INVALID',
      domain: 'googleapis.com',
    },
  ]),
  unknown_model: {
    code: 404,
    status: 'NOT_FOUND',
    message: `models/${MODEL} is not found for API version v1beta, or is not supported for generateContent.`,
  },
  quota: {
    code: 429,
    status: 'RESOURCE_EXHAUSTED',
    message: LIMITED,
    details: [limitOf('GenerateRequestsPerDayPerProjectPerModel'), retryIn('34.5s')],
  },
  // https://github.com/google-gemini/gemini-cli/issues/6678
  overlong: invalid(
    'The input token count (1208310) exceeds the maximum number of tokens allowed (1048576).',
  ),
  invalid: invalid('Request contains an invalid argument.'),
};

const echoes = new Echoes();

export const google: Wire = {
  name: 'google',
  model: MODEL,
  path: `/v1beta/models/${MODEL}:streamGenerateContent?alt=sse`,
  contentType: 'text/event-stream',
  callPrefix: 'gem-',
  runPrefix: 'srv-',
  alternates: false,
  joinsResults: true,
  fetchesImages: false,
  takesAudio: true,
  settings: (origin) => ({ MIDTURN_MODEL_BASE_URL: `${origin}/v1beta`, MIDTURN_MODEL_API_KEY: API_KEY }),
  secrets: [{ value: API_KEY, as: `the key ${API_KEY}` }],
  isSigned: (headers) => headers['x-goog-api-key'] === API_KEY,
  read(body) {
    const { contents, tools, toolConfig } = parseOrRefuse(requestSchema, body);
    checkTools(tools ?? [], toolConfig?.includeServerSideToolInvocations === true);
    checkContents(contents);
    checkSignatures(contents);
    if (contents.some((content) => callsIn(content).length > 0) && !tools) {
      throw new PromptRefused('Calls without tools.');
    }
    const seen = contents.map(seenMessage);
    echoes.check(seen);
    return seen;
  },
  forbidsTools(body) {
    const { tools, toolConfig } = requestSchema.parse(body);
    return tools !== undefined && toolConfig?.functionCallingConfig?.mode === 'NONE';
  },
  refuse(refusal, detail) {
    const error = REFUSALS[refusal];
    return {
      status: error.code,
      body: {
        error: { ...error, message: `${error.message} ${detail}`.trim(), details: error.details ?? [] },
      },
    };
  },
  // `FinishReason`, and `RetryInfo` in the details of an error: Gemini API reference.
  endings: ['answered', 'calls', 'withheld', 'length', 'malformed', 'unsaid'],
  pauses: { RetryInfo: withRetryInfo },
  answer,
};

const FINISH_REASONS: Readonly<Partial<Record<Ending, string>>> = {
  answered: 'STOP',
  calls: 'STOP',
  withheld: 'SAFETY',
  length: 'MAX_TOKENS',
  malformed: 'MALFORMED_FUNCTION_CALL',
};

function withRetryInfo(refusal: HttpAnswer, ms: number): HttpAnswer {
  const retryDelay = `${ms / 1000}s`;
  const info = { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay };
  const { error } = refusalBody.parse(refusal.body);
  const others = error.details.filter((detail) => detail['@type'] !== info['@type']);
  return { ...refusal, body: { error: { ...error, details: [...others, info] } } };
}

const refusalBody = z.object({
  error: z.catchall(z.object({ details: z.array(z.record(z.string(), z.json())) }), z.json()),
});

const callsIn = ({ parts }: SaidContent) => parts.flatMap((part) => ('functionCall' in part ? [part] : []));
const responsesIn = ({ parts }: SaidContent) =>
  parts.flatMap((part) => ('functionResponse' in part ? [part.functionResponse] : []));

/** https://github.com/cloudwego/eino-ext/issues/761 */
function checkTools(tools: readonly object[], includes: boolean): void {
  const both = tools.some((tool) => 'googleSearch' in tool) && tools.length > 1;
  if (both && !includes)
    throw new PromptRefused(
      'Please enable tool_config.include_server_side_tool_invocations to use Built-in tools with Function calling.',
    );
}

function checkContents(contents: readonly SaidContent[]): void {
  for (const [n, content] of contents.entries()) {
    const before = contents[n - 1];
    if (content.parts.length === 0) throw new PromptRefused(`contents[${n}].parts must not be empty.`);
    // https://github.com/router-for-me/CLIProxyAPI/issues/1292
    for (const [m, part] of content.parts.entries()) {
      if ('text' in part && part.text === '' && !part.thoughtSignature) {
        throw new PromptRefused(
          `* GenerateContentRequest.contents[${n}].parts[${m}].data: required oneof field 'data' must have one initialized field`,
        );
      }
    }
    const calls = callsIn(content);
    const responses = responsesIn(content);
    if (calls.length > 0 && content.role !== 'model') throw new PromptRefused('A user cannot call.');
    if (responses.length > 0 && content.role !== 'user') throw new PromptRefused('A model has no results.');
    // https://github.com/google-gemini/gemini-cli/issues/26486
    if (calls.length > 0 && before?.role !== 'user') {
      throw new PromptRefused(
        'Please ensure that function call turn comes immediately after a user turn or after a function response turn.',
      );
    }
    checkPairs(before, responses);
  }
  const last = contents.at(-1);
  if (last && callsIn(last).length > 0) checkPairs(last, []);
  // https://github.com/crewAIInc/crewAI/pull/6973
  if (last?.role === 'model') {
    throw new PromptRefused('Please ensure that single turn requests end with a user role.');
  }
}

/** https://github.com/langchain-ai/langchain/issues/27799, https://github.com/google-gemini/gemini-cli/issues/5443 */
function checkPairs(
  before: SaidContent | undefined,
  responses: readonly { id?: string | undefined; name: string }[],
): void {
  const calls = before ? callsIn(before) : [];
  if (calls.length === 0 && responses.length > 0) {
    throw new PromptRefused(
      'Please ensure that function response turn comes immediately after a function call turn.',
    );
  }
  const keys = (list: readonly { id?: string | undefined; name: string }[]) =>
    list.map(({ id, name }) => `${name} ${id}`).toSorted();
  const asked = keys(calls.map(({ functionCall }) => functionCall));
  if (asked.join() !== keys(responses).join()) {
    throw new PromptRefused(
      'Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.',
    );
  }
}

/**
 * The first call of each message since the user's last one must be signed, and no signature may be another's.
 * Source: "Thought signatures", Gemini API documentation.
 */
function checkSignatures(contents: readonly SaidContent[]): void {
  const begins = contents.findLastIndex(
    ({ role, parts }) => role === 'user' && parts.some((p) => 'text' in p),
  );
  for (const [n, content] of contents.entries()) {
    const calls = callsIn(content);
    for (const { functionCall, thoughtSignature } of calls) {
      if (thoughtSignature === undefined || thoughtSignature === NO_SIGNATURE) continue;
      if (thoughtSignature !== signatureOf(functionCall.id ?? '')) {
        throw new PromptRefused('Corrupted thought signature.');
      }
    }
    for (const part of content.parts) {
      if ('toolCall' in part && part.thoughtSignature !== signatureOf(part.toolCall.id))
        throw new PromptRefused('Corrupted thought signature.');
    }
    const [first] = calls;
    if (n > begins && first && first.thoughtSignature === undefined) {
      throw new PromptRefused(
        `Function call is missing a thought_signature in functionCall parts. Additional data, function call \`${first.functionCall.name}\`, position ${n}.`,
      );
    }
  }
}

function seenMessage(content: SaidContent): SeenMessage {
  const role = responsesIn(content).length > 0 ? 'tool' : content.role === 'model' ? 'assistant' : 'user';
  return { role, blocks: content.parts.flatMap(seenBlocks) };
}

function seenBlocks(part: Part): SeenBlock[] {
  if ('text' in part) {
    if (part.text === '') return [];
    return [part.thought ? { thought: part.text } : { text: part.text }];
  }
  if ('inlineData' in part) {
    return [{ image: `data:${part.inlineData.mimeType};base64,${part.inlineData.data}` }];
  }
  if ('functionCall' in part) {
    const { id = '', name, args } = part.functionCall;
    return [{ call: id, name, args }];
  }
  if ('toolCall' in part) return [{ ran: part.toolCall.id, query: part.toolCall.args.queries.join() }];
  if ('toolResponse' in part) return [{ found: part.toolResponse.id, urls: part.toolResponse.response.urls }];
  const { id = '', response } = part.functionResponse;
  return [{ result: id, output: response.content ?? response.error ?? null }];
}

/** "Grounding with Google Search", Gemini API documentation. */
const groundingOf = (found: readonly { url: string; title: string }[]) => ({
  groundingChunks: found.map(({ url, title }) => ({ web: { uri: url, title } })),
});

function answer(model: string): Answer {
  let isSigned = false;
  const found: { url: string; title: string }[] = [];
  const echo = echoes.answer();
  const chunk = (fields: object): Frame =>
    `data: ${JSON.stringify({ ...fields, modelVersion: model, responseId: 'r1' })}\r\n\r\n`;
  const said = (...parts: object[]) =>
    chunk({ candidates: [{ content: { role: 'model', parts }, index: 0 }] });
  // Other than with OpenAI, what the model thought is counted beside what it said.
  const usageOf = ({ input, output, cached, thought = 0 }: Usage) => ({
    promptTokenCount: input,
    ...(cached !== undefined && { cachedContentTokenCount: cached }),
    candidatesTokenCount: output - thought,
    ...(thought > 0 && { thoughtsTokenCount: thought }),
    totalTokenCount: input + output,
  });
  return {
    begin: () => [],
    text(text) {
      echo.text(text);
      return [said({ text })];
    },
    // The signature is that of the call which follows.
    think(text) {
      echo.think(text);
      return [said({ text, thought: true })];
    },
    endThought() {
      echo.endThought();
      return [];
    },
    call(call) {
      echo.call(call);
      const { id, name, pieces } = call;
      // Of calls that are made at once, the first is signed.
      const signature = isSigned ? {} : { thoughtSignature: signatureOf(id) };
      isSigned = true;
      return [said({ functionCall: { id, name, args: JSON.parse(pieces.join('')) }, ...signature })];
    },
    run(run) {
      echo.ran(run);
      echo.found(run);
      const { id, query, finds = [] } = run;
      const toolType = 'GOOGLE_SEARCH_WEB';
      found.push(...finds);
      return [
        said({ toolCall: { toolType, args: { queries: [query] }, id }, thoughtSignature: signatureOf(id) }),
        said({ toolResponse: { toolType, response: { urls: finds.map(({ url }) => url) }, id } }),
      ];
    },
    file: (mimeType, data) => [said({ inlineData: { mimeType, data } })],
    finish(ending, usage) {
      const finishReason = FINISH_REASONS[ending];
      return [
        chunk({
          candidates: [
            {
              content: { role: 'model', parts: [{ text: '' }] },
              finishReason,
              index: 0,
              ...(found.length > 0 && { groundingMetadata: groundingOf(found) }),
            },
          ],
          ...(usage && { usageMetadata: usageOf(usage) }),
        }),
      ];
    },
    nothing: () => [chunk({ usageMetadata: { promptTokenCount: 1 } })],
    fault: (fault) => [chunk({ error: FAULTS[fault] })],
  };
}
