import { AsyncLocalStorage } from 'node:async_hooks';
import { StreamProviderError } from 'ai';

/**
 * The HTTP client of the providers' packages. It reports each packet of an answer as a life sign, also those that the packages
 * keep to themselves (comments, pings, arguments of calls), mends what compatible servers send in a form that the packages
 * refuse, and reads an error that comes in place of a stream.
 */

const aliveOf = new AsyncLocalStorage<() => void>();

/** Makes a model call whose packets are reported to `alive`. */
export const withLifeSigns = <T>(alive: () => void, call: () => T): T => aliveOf.run(alive, call);

/** Mends one line of server-sent events. Undefined: the stream is over. */
type MendLine = (line: string) => string | undefined;

export function providerFetch(fetch: typeof globalThis.fetch, mend?: MendLine): typeof globalThis.fetch {
  return async (input, init) => {
    const alive = aliveOf.getStore() ?? (() => {});
    const response = await fetch(input, init);
    alive();
    const { body, status, statusText, headers } = response;
    if (!response.ok || !body) return response;
    if (isJson(headers)) throw errorIn(await response.text());
    const packets = reported(body, alive);
    return new Response(streamOf(mend ? mended(packets, mend) : packets), {
      status,
      statusText,
      headers,
    });
  };
}

const isJson = (headers: Headers) => /^application\/json\b/.test(headers.get('content-type') ?? '');

/**
 * What a server answers with 200 in place of the stream that was asked for: an error, as from a proxy that had answered before it
 * knew (https://github.com/openclaw/clawrouter/issues/101), or whatever else is no stream.
 */
function errorIn(text: string): StreamProviderError {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    // Not JSON, in spite of its header: there is nothing to read of it.
  }
  const [first] = Array.isArray(data) ? data : [data];
  const error = isObject(first) && 'error' in first ? first.error : undefined;
  const { message, type, code, status }: ErrorFields = isObject(error) ? error : { message: error };
  const statusCode = [code, status].find(isErrorStatus);
  return new StreamProviderError({
    message: typeof message === 'string' ? message : 'The answer is no stream.',
    ...(typeof type === 'string' && { type }),
    ...((typeof code === 'string' || typeof code === 'number') && { code }),
    ...(statusCode !== undefined && { statusCode }),
    data,
  });
}

interface ErrorFields {
  message?: unknown;
  type?: unknown;
  code?: unknown;
  status?: unknown;
}

const isErrorStatus = (value: unknown): value is number =>
  typeof value === 'number' && value >= 400 && value < 600;

const streamOf = (packets: AsyncGenerator<Uint8Array>): ReadableStream<Uint8Array> =>
  new ReadableStream({
    async pull(controller) {
      const { done, value } = await packets.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await packets.return(undefined);
    },
  });

async function* reported(body: ReadableStream<Uint8Array>, alive: () => void): AsyncGenerator<Uint8Array> {
  for await (const packet of body) {
    alive();
    yield packet;
  }
}

/** Leaving it early cancels the request. */
async function* mended(packets: AsyncIterable<Uint8Array>, mend: MendLine): AsyncGenerator<Uint8Array> {
  const decoder = new TextDecoder();
  const encoder = new TextEncoder();
  let rest = '';
  for await (const packet of packets) {
    const lines = (rest + decoder.decode(packet, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    let text = '';
    let isOver = false;
    for (const line of lines) {
      const whole = mend(line);
      if (whole === undefined) {
        isOver = true;
        break;
      }
      text += `${whole}\n`;
    }
    if (text) yield encoder.encode(text);
    if (isOver) return;
  }
  const last = mend(rest + decoder.decode());
  if (last) yield encoder.encode(last);
}

interface Chunk {
  choices?: unknown;
  error?: unknown;
}
interface Delta {
  tool_calls?: unknown;
}
interface CallDelta {
  id?: unknown;
  function?: { name?: unknown; arguments?: unknown } | null;
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

/**
 * For OpenAI's chat completions. `[DONE]` is the end, whatever the server does with the connection. `choices` that are null
 * are none, and so is an empty finish reason. A call without id, name and arguments is no call.
 */
export const mendChatCompletions: MendLine = (line) => {
  const [, data] = /^data:\s?(.*?)\r?$/.exec(line) ?? [];
  if (data === undefined) return line;
  if (data.trim() === '[DONE]') return undefined;
  let chunk: Chunk;
  try {
    chunk = JSON.parse(data);
  } catch {
    // Not JSON: the package says so.
    return line;
  }
  if (!isObject(chunk) || 'error' in chunk) return line;
  if (chunk.choices === null || chunk.choices === undefined)
    return `data: ${JSON.stringify({ ...chunk, choices: [] })}`;
  return Array.isArray(chunk.choices) && chunk.choices.some(needsMending)
    ? `data: ${JSON.stringify({ ...chunk, choices: chunk.choices.map(mendChoice) })}`
    : line;
};

/** For Anthropic's messages: compatible servers count no tokens, and the package reads no event without a count. */
export const mendMessages: MendLine = (line) => {
  const [, data] = /^data:\s?(.*?)\r?$/.exec(line) ?? [];
  if (data === undefined || !/"message_(start|delta)"/.test(data)) return line;
  let event: { type?: unknown; usage?: unknown; message?: unknown };
  try {
    event = JSON.parse(data);
  } catch {
    return line;
  }
  const { message } = event;
  if (event.type === 'message_delta' && !event.usage) {
    return withData({ ...event, usage: { output_tokens: 0 } });
  }
  if (event.type === 'message_start' && isObject(message) && !('usage' in message && message.usage)) {
    return withData({ ...event, message: { ...message, usage: { input_tokens: 0, output_tokens: 0 } } });
  }
  return line;
};

const withData = (value: object) => `data: ${JSON.stringify(value)}`;

const needsMending = (choice: unknown): boolean =>
  isObject(choice) &&
  (('finish_reason' in choice && choice.finish_reason === '') || callsOf(choice)?.some(isGhost) === true);

function mendChoice(choice: unknown): unknown {
  if (!isObject(choice)) return choice;
  const calls = callsOf(choice);
  return {
    ...choice,
    ...('finish_reason' in choice && choice.finish_reason === '' && { finish_reason: null }),
    ...('delta' in choice &&
      isObject(choice.delta) &&
      calls && { delta: { ...choice.delta, tool_calls: calls.filter((call) => !isGhost(call)) } }),
  };
}

function callsOf(choice: object): unknown[] | undefined {
  const delta: Delta | undefined = 'delta' in choice && isObject(choice.delta) ? choice.delta : undefined;
  return Array.isArray(delta?.tool_calls) ? delta.tool_calls : undefined;
}

function isGhost(call: unknown): boolean {
  if (!isObject(call)) return false;
  const { id, function: named }: CallDelta = call;
  return !id && !named?.name && !named?.arguments;
}
