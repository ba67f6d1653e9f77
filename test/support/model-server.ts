import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text as readText } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod/mini';

/**
 * A scripted model behind a real OpenAI-compatible endpoint: `POST {baseUrl}/chat/completions`, streamed as server-sent
 * events. Tests hold a stream open at an exact place with gates instead of sleeping.
 */

const toolCallSchema = z.object({
  id: z.string(),
  function: z.object({ name: z.string(), arguments: z.string() }),
});

const userPartSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('text'), text: z.string() }),
  z.strictObject({ type: z.literal('image_url'), image_url: z.strictObject({ url: z.string() }) }),
  z.strictObject({
    type: z.literal('file'),
    file: z.strictObject({ filename: z.string(), file_data: z.string() }),
  }),
  z.strictObject({
    type: z.literal('input_audio'),
    input_audio: z.strictObject({ data: z.string(), format: z.string() }),
  }),
]);

function shownPart(part: z.infer<typeof userPartSchema>): string {
  switch (part.type) {
    case 'text':
      return part.text;
    case 'image_url':
      return `[image ${part.image_url.url}]`;
    case 'file':
      return `[file ${part.file.filename} ${part.file.file_data.split(',').at(-1)}]`;
    case 'input_audio':
      return `[audio ${part.input_audio.format} ${part.input_audio.data}]`;
  }
}

/** In one line, whether it came as text or in parts: `what is this? [image https://…]`. */
const userContent = z.union([
  z.string(),
  z.pipe(
    z.array(userPartSchema),
    z.transform((parts) => parts.map(shownPart).join(' ')),
  ),
]);

const chatMessageSchema = z.discriminatedUnion('role', [
  z.object({ role: z.literal('system'), content: z.string() }),
  z.object({ role: z.literal('user'), content: userContent }),
  z.object({
    role: z.literal('assistant'),
    content: z.nullish(z.string()),
    tool_calls: z.optional(z.array(toolCallSchema)),
    reasoning_content: z.nullish(z.string()),
  }),
  z.object({ role: z.literal('tool'), tool_call_id: z.string(), content: z.string() }),
]);

const chatRequestSchema = z.looseObject({
  model: z.string(),
  messages: z.array(chatMessageSchema),
  stream: z.literal(true),
  stream_options: z.optional(z.looseObject({ include_usage: z.optional(z.boolean()) })),
  tools: z.optional(
    z.array(
      z.looseObject({
        function: z.looseObject({
          name: z.string(),
          description: z.optional(z.string()),
          parameters: z.json(),
        }),
      }),
    ),
  ),
  tool_choice: z.optional(z.json()),
});

export type ChatMessage = z.infer<typeof chatMessageSchema>;
/** The body of one model call: what the model saw. */
export type ChatRequest = z.infer<typeof chatRequestSchema>;

/** A place in a reply where the server waits until the test opens it. */
export interface Gate {
  /** Settles when the server waits here. */
  readonly reached: Promise<void>;
  open(): void;
}

export interface ScriptedToolCall {
  name: string;
  /** As JSON; a string is sent as it is, so that a test can send what is not JSON. */
  args: unknown;
  /** Default: `call_<call>_<index>`, unique within the server. */
  id?: string;
}

/** One model call's answer, in the order of its fields. */
export interface Reply {
  /** Waits before anything is sent, the status included. */
  gate?: Gate;
  /** Other than 200: an error answer with `body`. */
  status?: number;
  body?: unknown;
  thinking?: readonly string[];
  /** The text; a gate among them holds the stream open at that place. */
  chunks?: readonly (string | Gate)[];
  /** Before each chunk of text. Default: none. */
  chunkDelayMs?: number;
  /** Destroys the socket after that many chunks of text. */
  cutAfter?: number;
  toolCalls?: readonly ScriptedToolCall[];
  /** Sends nothing more, and keeps the stream open until the client or `close` ends it. */
  hang?: true;
  /** Default: `tool_calls` if there are any, else `stop`; null ends the stream without a reason. */
  finish?: string | null;
  /** Default: 10 in, 5 out; null sends none. As with real servers, none is sent unless the request asks for it. */
  usage?: { input: number; output: number } | null;
}

/** A list of replies, one per model call in order of arrival, or a function of the call (`index` from 0). */
export type Script = readonly Reply[] | ((request: ChatRequest, index: number) => Reply | Promise<Reply>);

export interface RecordedRequest {
  readonly body: ChatRequest;
  readonly headers: IncomingHttpHeaders;
  /** `aborted`: the client closed the connection first. `cut`: the script did. */
  readonly outcome: 'open' | 'answered' | 'aborted' | 'cut';
  /** Settles when the answer is over, with its outcome. */
  readonly ended: Promise<'answered' | 'aborted' | 'cut'>;
}

export interface ModelServer {
  /** Ends in `/v1`. */
  readonly baseUrl: string;
  /** Every model call so far, in order of arrival. */
  readonly requests: readonly RecordedRequest[];
  /** The n-th model call, from 1, as soon as it has come in. */
  waitForRequest(n: number): Promise<RecordedRequest>;
  close(): Promise<void>;
}

export function createGate(): Gate {
  return new ScriptGate();
}

class ScriptGate implements Gate {
  readonly #reached = Promise.withResolvers<void>();
  readonly #opened = Promise.withResolvers<void>();
  readonly reached = this.#reached.promise;

  open(): void {
    this.#opened.resolve();
  }

  /** Settles when the gate is opened, or false as soon as nobody waits for the answer any more. */
  async pass(gone: Promise<unknown>): Promise<boolean> {
    this.#reached.resolve();
    return Promise.race([this.#opened.promise.then(() => true), gone.then(() => false)]);
  }
}

class Call implements RecordedRequest {
  readonly body: ChatRequest;
  readonly headers: IncomingHttpHeaders;
  readonly ended: Promise<'answered' | 'aborted' | 'cut'>;
  outcome: RecordedRequest['outcome'] = 'open';
  wasCut = false;

  constructor(body: ChatRequest, headers: IncomingHttpHeaders, response: ServerResponse) {
    this.body = body;
    this.headers = headers;
    const { promise, resolve } = Promise.withResolvers<'answered' | 'aborted' | 'cut'>();
    this.ended = promise;
    response.once('close', () => {
      const outcome = this.wasCut ? 'cut' : response.writableFinished ? 'answered' : 'aborted';
      this.outcome = outcome;
      resolve(outcome);
    });
  }
}

export async function startModelServer(script: Script): Promise<ModelServer> {
  const calls: Call[] = [];
  const waiting: { n: number; resolve: (call: RecordedRequest) => void }[] = [];

  const server = createServer(async (request, response) => {
    if (request.method !== 'POST' || request.url !== '/v1/chat/completions') {
      return sendError(response, 404, `No such endpoint: ${request.method} ${request.url}`);
    }
    const parsed = chatRequestSchema.safeParse(JSON.parse(await readText(request)));
    if (!parsed.success) return sendError(response, 400, z.prettifyError(parsed.error));

    const call = new Call(parsed.data, request.headers, response);
    const index = calls.push(call) - 1;
    for (const waiter of waiting.filter(({ n }) => n <= calls.length)) {
      waiting.splice(waiting.indexOf(waiter), 1);
      waiter.resolve(call);
    }
    try {
      const reply = typeof script === 'function' ? await script(call.body, index) : script[index];
      if (reply) await play(reply, index, call, response);
      else sendError(response, 500, `The script has no reply for model call ${index + 1}.`);
    } catch (error) {
      // A script function's own mistake: the test shall see it in the client's error.
      if (response.headersSent) response.destroy();
      else sendError(response, 500, `The script failed: ${error}`);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;

  return {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    requests: calls,
    waitForRequest: (n) => {
      const call = calls[n - 1];
      return call ? Promise.resolve(call) : new Promise((resolve) => waiting.push({ n, resolve }));
    },
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeAllConnections();
      }),
  };
}

async function play(reply: Reply, index: number, call: Call, response: ServerResponse): Promise<void> {
  const { ended } = call;
  if (reply.gate && !(await pass(reply.gate, ended))) return;
  if (reply.status !== undefined && reply.status !== 200) {
    return sendError(response, reply.status, `Scripted status ${reply.status}.`, reply.body);
  }
  const send = (fields: object) =>
    write(response, { id: `chatcmpl-${index + 1}`, model: call.body.model, ...fields });
  const sendDelta = (delta: object) => send({ choices: [{ index: 0, delta, finish_reason: null }] });

  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  await sendDelta({ role: 'assistant' });
  for (const text of reply.thinking ?? []) await sendDelta({ reasoning_content: text });

  let sent = 0;
  const cutNow = () => reply.cutAfter === sent;
  for (const chunk of reply.chunks ?? []) {
    if (cutNow()) break;
    if (typeof chunk !== 'string') {
      if (!(await pass(chunk, ended))) return;
      continue;
    }
    if (reply.chunkDelayMs !== undefined) await sleep(reply.chunkDelayMs);
    if (response.destroyed) return;
    await sendDelta({ content: chunk });
    sent++;
  }
  if (cutNow()) {
    call.wasCut = true;
    response.destroy();
    return;
  }
  const toolCalls = reply.toolCalls ?? [];
  for (const [n, { id, name, args }] of toolCalls.entries()) {
    await sendDelta({
      tool_calls: [
        {
          index: n,
          id: id ?? `call_${index + 1}_${n + 1}`,
          type: 'function',
          function: { name, arguments: typeof args === 'string' ? args : JSON.stringify(args) },
        },
      ],
    });
  }
  if (reply.hang) return;
  if (reply.finish !== null) {
    const reason = reply.finish ?? (toolCalls.length > 0 ? 'tool_calls' : 'stop');
    await send({ choices: [{ index: 0, delta: {}, finish_reason: reason }] });
  }
  if (reply.usage !== null && call.body.stream_options?.include_usage) {
    const { input, output } = reply.usage ?? { input: 10, output: 5 };
    const usage = { prompt_tokens: input, completion_tokens: output, total_tokens: input + output };
    await send({ choices: [], usage });
  }
  response.end('data: [DONE]\n\n');
}

async function pass(gate: Gate, gone: Promise<unknown>): Promise<boolean> {
  if (!(gate instanceof ScriptGate)) throw new Error('A gate must come from createGate().');
  return gate.pass(gone);
}

/** Settles when the bytes are with the operating system, so that a cut right after does not lose them. */
function write(response: ServerResponse, event: object): Promise<void> {
  return new Promise((resolve) => {
    // The error of a write to a client that has gone is no news: the response's `close` says so.
    response.write(`data: ${JSON.stringify(event)}\n\n`, () => resolve());
  });
}

function sendError(response: ServerResponse, status: number, message: string, body?: unknown): void {
  const content = body ?? { error: { message, type: 'scripted_error' } };
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(typeof content === 'string' ? content : JSON.stringify(content));
}
