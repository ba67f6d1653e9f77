import { EventStreamCodec } from '@smithy/core/event-streams';
import * as z from 'zod/mini';
import type { Json } from '../../../core/json.ts';
import {
  type Answer,
  checkConversation,
  checkSignature,
  Echoes,
  type Ending,
  type Fault,
  type Frame,
  PromptRefused,
  parseOrRefuse,
  RETRY_AFTER,
  type Refusal,
  type SeenBlock,
  signatureOf,
  type Wire,
  withHeader,
} from './wire.ts';

/**
 * Bedrock's `ConverseStream`: `POST /model/{id}/converse-stream`, signed by SigV4, answered in the binary event stream
 * of AWS with both of its checksums.
 * Source: "ConverseStream", Amazon Bedrock API reference; "Amazon event stream specification", Smithy.
 */

const MODEL = 'eu.anthropic.claude-sonnet-4-5-20250929-v1:0';

const TOOL_NAME = /^[a-zA-Z0-9_-]{1,64}$/;

const blockSchema = z.union([
  z.strictObject({ text: z.string() }),
  // It takes bytes, or an object in S3, but no URL.
  z.strictObject({
    image: z.strictObject({
      format: z.enum(['png', 'jpeg', 'gif', 'webp']),
      source: z.strictObject({ bytes: z.base64() }),
    }),
  }),
  z.strictObject({
    document: z.strictObject({
      format: z.literal('pdf'),
      // "DocumentBlock", Amazon Bedrock API reference.
      name: z.string().check(z.regex(/^(?!.* {2})[a-zA-Z0-9 ()[\]-]{1,200}$/)),
      source: z.strictObject({ bytes: z.base64() }),
    }),
  }),
  z.strictObject({
    reasoningContent: z.union([
      z.strictObject({ reasoningText: z.strictObject({ text: z.string(), signature: z.string() }) }),
      z.strictObject({ redactedContent: z.base64() }),
    ]),
  }),
  z.strictObject({
    toolUse: z.strictObject({
      toolUseId: z.string(),
      // https://github.com/openclaw/openclaw/issues/12892
      name: z.string().check(z.regex(TOOL_NAME)),
      input: z.record(z.string(), z.json()),
    }),
  }),
  z.strictObject({
    toolResult: z.strictObject({
      toolUseId: z.string(),
      content: z.array(z.union([z.strictObject({ text: z.string() }), z.strictObject({ json: z.json() })])),
      status: z.optional(z.enum(['success', 'error'])),
    }),
  }),
]);

/** After a block, and at most four ("Prompt caching for faster model inference", Amazon Bedrock user guide). */
const cachePoint = z.strictObject({ cachePoint: z.strictObject({ type: z.literal('default') }) });
const MAX_MARKS = 4;

const requestSchema = z.looseObject({
  system: z.optional(
    z.array(z.union([z.strictObject({ text: z.string().check(z.minLength(1)) }), cachePoint])),
  ),
  messages: z.array(
    z.strictObject({
      role: z.enum(['user', 'assistant']),
      content: z.array(z.union([blockSchema, cachePoint])),
    }),
  ),
  toolConfig: z.optional(
    z.looseObject({
      tools: z.array(
        z.looseObject({
          toolSpec: z.looseObject({
            name: z.string().check(z.regex(TOOL_NAME)),
            inputSchema: z.strictObject({ json: z.record(z.string(), z.json()) }),
          }),
        }),
      ),
    }),
  ),
});

type Block = z.infer<typeof blockSchema>;

const isMark = (block: object): block is z.infer<typeof cachePoint> => 'cachePoint' in block;

const codec = new EventStreamCodec(
  (bytes) => (typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('utf8')),
  (text) => Buffer.from(text, 'utf8'),
);

const header = (value: string) => ({ type: 'string', value }) as const;

/** `p` is padding against guessing at lengths; the service adds it to every event. */
const event = (type: string, payload: object): Frame =>
  codec.encode({
    headers: {
      ':event-type': header(type),
      ':content-type': header('application/json'),
      ':message-type': header('event'),
    },
    body: Buffer.from(JSON.stringify({ ...payload, p: 'abcdefgh' })),
  });

const exception = (type: string, message: string): Frame =>
  codec.encode({
    headers: {
      ':exception-type': header(type),
      ':content-type': header('application/json'),
      ':message-type': header('exception'),
    },
    body: Buffer.from(JSON.stringify({ message })),
  });

const FAULTS: Readonly<Record<Fault, readonly [type: string, message: string]>> = {
  throttled: ['throttlingException', 'Too many tokens, please wait before trying again.'],
  overloaded: ['serviceUnavailableException', 'The service is temporarily unavailable.'],
  model_error: ['modelStreamErrorException', 'The model ended its answer with an error.'],
};

const REFUSALS: Readonly<Record<Refusal, readonly [status: number, type: string, message: string]>> = {
  throttled: [429, 'ThrottlingException', 'Too many requests, please wait before trying again.'],
  overloaded: [503, 'ServiceUnavailableException', 'Bedrock is unable to process your request.'],
  unauthorised: [
    403,
    'UnrecognizedClientException',
    'The security token included in the request is invalid.',
  ],
  unknown_model: [400, 'ValidationException', 'The provided model identifier is invalid.'],
  quota: [400, 'ServiceQuotaExceededException', 'Your request exceeds the service quota for your account.'],
  overlong: [400, 'ValidationException', 'Input is too long for requested model.'],
  invalid: [400, 'ValidationException', 'The request is not valid.'],
};

const echoes = new Echoes();

export const bedrock: Wire = {
  name: 'bedrock',
  model: MODEL,
  path: `/model/${encodeURIComponent(MODEL)}/converse-stream`,
  contentType: 'application/vnd.amazon.eventstream',
  callPrefix: 'tooluse_',
  alternates: true,
  joinsResults: true,
  fetchesImages: false,
  takesAudio: false,
  // As a team would: the SDK's own variable, and no base URL.
  settings: (origin) => ({ AWS_ENDPOINT_URL_BEDROCK_RUNTIME: origin, MIDTURN_MODEL_BASE_URL: '' }),
  // AWS says of a signature that does not match what it should have been made of, the session's token with it.
  secrets: [
    { value: 'FwoGZXIvYXdzEtoken//of=', as: 'x-amz-security-token:FwoGZXIvYXdzEtoken//of=' },
    { value: 'c0ffee'.repeat(10), as: `Signature=${'c0ffee'.repeat(10)}` },
    { value: 'ASIAEXAMPLE0KEY1', as: 'Credential=ASIAEXAMPLE0KEY1/20260101/us-east-1/bedrock/aws4_request' },
  ],
  isSigned: ({ authorization }) =>
    /^AWS4-HMAC-SHA256 Credential=[^/]+\/\d{8}\/[\w-]+\/bedrock\/aws4_request, SignedHeaders=[^,]+, Signature=[0-9a-f]{64}$/.test(
      authorization ?? '',
    ),
  read(body) {
    const { messages, toolConfig, system = [] } = parseOrRefuse(requestSchema, body);
    const all = [system, ...messages.map(({ content }) => content)];
    if (all.flat().filter(isMark).length > MAX_MARKS) throw new PromptRefused('Too many cachePoint blocks.');
    if (all.some(([first]) => first && isMark(first)))
      throw new PromptRefused('A cachePoint follows nothing.');
    const seen = messages.map(({ role, content }) => ({
      role,
      blocks: content.flatMap((block) => (isMark(block) ? [] : [seenBlock(block)])),
    }));
    checkConversation(seen);
    echoes.check(seen);
    const usesTools = seen.some(({ blocks }) => blocks.some((block) => 'call' in block || 'result' in block));
    if (usesTools && !toolConfig) {
      throw new PromptRefused(
        'The toolConfig field must be defined when using toolUse and toolResult content blocks.',
      );
    }
    return seen;
  },
  // The API has no word for it, so the instructions say it.
  forbidsTools(body) {
    const { system, toolConfig } = requestSchema.parse(body);
    return (
      toolConfig !== undefined &&
      (system ?? []).some((part) => 'text' in part && part.text.includes('Do not call any tool'))
    );
  },
  refuse(refusal, detail) {
    const [status, type, message] = REFUSALS[refusal];
    return {
      status,
      headers: { 'x-amzn-errortype': `${type}:http://internal.amazon.com/coral/com.amazon.bedrock/` },
      body: { message: `${message} ${detail}` },
    };
  },
  // "ConverseStream", Amazon Bedrock API reference. AWS's own clients read the header, in milliseconds
  // (https://github.com/smithy-lang/smithy-typescript, parseRetryAfterHeader).
  endings: ['answered', 'calls', 'withheld', 'length', 'window', 'malformed', 'unsaid'],
  pauses: {
    ...RETRY_AFTER,
    'x-amz-retry-after': (refusal, ms) => withHeader(refusal, 'x-amz-retry-after', String(ms)),
  },
  answer,
};

const STOP_REASONS: Readonly<Partial<Record<Ending, string>>> = {
  answered: 'end_turn',
  calls: 'tool_use',
  withheld: 'guardrail_intervened',
  length: 'max_tokens',
  window: 'model_context_window_exceeded',
  malformed: 'malformed_tool_use',
};

function seenBlock(block: Block): SeenBlock {
  if ('text' in block) return { text: block.text };
  if ('image' in block) {
    const { format, source } = block.image;
    return { image: `data:image/${format};base64,${source.bytes}` };
  }
  if ('document' in block) return { image: `data:application/pdf;base64,${block.document.source.bytes}` };
  if ('reasoningContent' in block) {
    const { reasoningContent } = block;
    if ('redactedContent' in reasoningContent) return { thought: reasoningContent.redactedContent };
    const { text, signature } = reasoningContent.reasoningText;
    checkSignature(text, signature);
    return { thought: text };
  }
  if ('toolUse' in block) {
    const { toolUseId, name, input } = block.toolUse;
    return { call: toolUseId, name, args: input };
  }
  const { toolUseId, content } = block.toolResult;
  if (content.some((part) => 'text' in part && part.text === '')) {
    throw new PromptRefused(`The result ${toolUseId} holds an empty text.`);
  }
  const [output] = content.map((part): Json => ('json' in part ? part.json : part.text));
  return { result: toolUseId, output: output ?? null };
}

function answer(): Answer {
  const echo = echoes.answer();
  let blocks = 0;
  let textOpen = false;
  const closeText = (): Frame[] => {
    if (!textOpen) return [];
    textOpen = false;
    return [event('contentBlockStop', { contentBlockIndex: blocks++ })];
  };
  return {
    begin: () => [event('messageStart', { role: 'assistant' })],
    // A text block has no start of its own on this wire.
    text(delta) {
      echo.text(delta);
      textOpen = true;
      return [event('contentBlockDelta', { contentBlockIndex: blocks, delta: { text: delta } })];
    },
    // Nor has one of reasoning.
    think(delta) {
      echo.think(delta);
      const closed = closeText();
      const said = { contentBlockIndex: blocks, delta: { reasoningContent: { text: delta } } };
      return [...closed, event('contentBlockDelta', said)];
    },
    endThought() {
      const contentBlockIndex = blocks++;
      const signature = signatureOf(echo.endThought());
      return [
        event('contentBlockDelta', { contentBlockIndex, delta: { reasoningContent: { signature } } }),
        event('contentBlockStop', { contentBlockIndex }),
      ];
    },
    redacted(redactedContent) {
      echo.redacted(redactedContent);
      const closed = closeText();
      const contentBlockIndex = blocks++;
      return [
        ...closed,
        event('contentBlockDelta', { contentBlockIndex, delta: { reasoningContent: { redactedContent } } }),
        event('contentBlockStop', { contentBlockIndex }),
      ];
    },
    call(call) {
      echo.call(call);
      const { id, name, pieces } = call;
      const closed = closeText();
      const contentBlockIndex = blocks++;
      return [
        ...closed,
        event('contentBlockStart', { contentBlockIndex, start: { toolUse: { toolUseId: id, name } } }),
        ...pieces.map((input) =>
          event('contentBlockDelta', { contentBlockIndex, delta: { toolUse: { input } } }),
        ),
        event('contentBlockStop', { contentBlockIndex }),
      ];
    },
    finish(ending, usage) {
      const stopReason = STOP_REASONS[ending];
      const { input, output } = usage ?? { input: 0, output: 0 };
      return [
        ...closeText(),
        ...(stopReason ? [event('messageStop', { stopReason })] : []),
        ...(usage
          ? [
              event('metadata', {
                usage: { inputTokens: input, outputTokens: output, totalTokens: input + output },
                metrics: { latencyMs: 12 },
              }),
            ]
          : []),
      ];
    },
    nothing: () => [],
    fault: (fault) => [exception(...FAULTS[fault])],
  };
}
