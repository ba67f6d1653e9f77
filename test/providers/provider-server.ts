import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json as readJson } from 'node:stream/consumers';
import type { Json } from '../../core/json.ts';
import {
  checkUnicode,
  type Ending,
  type Fault,
  type Frame,
  type HttpAnswer,
  PromptRefused,
  type Refusal,
  type Run,
  type SeenMessage,
  type Usage,
  type Wire,
} from './wires/wire.ts';

/** One model call's answer, in the order of its fields. */
export interface Reply {
  /** In place of an answer. `detail` becomes part of the provider's message. */
  refusal?: Refusal;
  detail?: string;
  /** Refuses a prompt whose messages are longer than this, in characters of JSON, as one that outgrows its window. */
  longest?: number;
  /** Refuses a prompt with this word in it. */
  refuses?: string;
  /** A promise among the texts holds the stream until it settles. */
  text?: readonly (string | Thought | Searched | Made | Promise<unknown>)[];
  /** `args` as a text: what the model wrote, whatever it is. */
  calls?: readonly { name: string; args: Json }[];
  /**
   * How it ends, if not as it should: in another way of the provider's, with an error, with the connection cut between two
   * frames, or closed politely in the middle of one, as a proxy does whose backend has gone.
   */
  end?: Ending | Fault | 'cut' | 'half_frame';
  /** Null: the server counts nothing. @default 10 in, 5 out */
  usage?: Usage | null;
  /** With a refusal: it asks for a pause in this way of the wire's, and refuses whatever comes before that is over. */
  pause?: string;
  /** With a refusal: the answer's status is 200, as from a proxy that had promised a stream. */
  as200?: true;
  /**
   * Handed on as proxies do: with comments, lines that end in CR LF, frames that say nothing, and packets that end anywhere,
   * also inside a character.
   */
  rough?: true;
}

/** What a model thinks between its words. `held` stops the stream in the middle of the thought until it settles. */
type Thought = { thinks: string; held?: Promise<unknown> } | { redacted: string };

/** A search that the provider runs. `id`, without the provider's prefix: of one whose result comes in a later answer. */
type Searched =
  | { searches: string; id?: string; finds?: Run['finds'] }
  | { found: string; finds: Run['finds'] };

/** A file that the model makes, in base64. */
type Made = { makes: string; data: string };

/** What came in as one model call. */
export interface SeenCall {
  readonly prompt: readonly SeenMessage[];
  readonly body: unknown;
}

/** A provider on loopback that takes what the real one takes, and refuses what the real one refuses. */
export interface ProviderServer {
  readonly origin: string;
  /** From now on calls are answered by these, in order of arrival. Gives the calls that come in from now on. */
  script(replies: readonly Reply[]): readonly SeenCall[];
  /** What the provider would not have taken, one line each, since it was last asked. */
  takeComplaints(): string[];
  close(): Promise<void>;
}

const USAGE: Usage = { input: 10, output: 5 };

/** How long a refusal asks to be left alone: longer than all pauses of a caller that does not listen. */
const PAUSE_MS = 1000;

/** Of calls and searches: unique among all servers, as a provider's are. */
let callIds = 0;
let runIds = 0;

export async function startProviderServer(wire: Wire): Promise<ProviderServer> {
  let replies: readonly Reply[] = [];
  let seen: SeenCall[] = [];
  /** While a refusal's pause lasts: when it is over, and what is answered until then. */
  let closed: { until: number; refusal: HttpAnswer } | undefined;
  const complaints: string[] = [];

  const respond = (response: ServerResponse, { status, headers, body }: HttpAnswer) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(body));
  };
  const refuse = (response: ServerResponse, refusal: Refusal, detail: string) =>
    respond(response, wire.refuse(refusal, detail));
  const complain = (response: ServerResponse, complaint: string, answer?: HttpAnswer) => {
    complaints.push(complaint);
    if (answer) respond(response, answer);
    else refuse(response, 'invalid', complaint);
  };

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== 'POST' || request.url !== wire.path) {
      return complain(response, `No such endpoint: ${request.method} ${request.url}`);
    }
    const body = await readJson(request);
    if (!wire.isSigned(request.headers)) {
      return complain(response, 'The request does not say who asks.', wire.refuse('unauthorised', ''));
    }
    let prompt: SeenMessage[];
    try {
      checkUnicode(body);
      prompt = wire.read(body);
    } catch (error) {
      if (!(error instanceof PromptRefused)) throw error;
      return complain(response, error.message, error.answer);
    }
    if (closed && Date.now() < closed.until) {
      return complain(response, 'The call came before the pause was over.', closed.refusal);
    }
    const reply = replies[seen.push({ prompt, body }) - 1];
    if (!reply) return complain(response, `The script has no reply for model call ${seen.length}.`);
    const said = JSON.stringify(prompt);
    if (said.length > (reply.longest ?? Number.POSITIVE_INFINITY)) return refuse(response, 'overlong', '');
    if (reply.refuses && said.includes(reply.refuses)) return refuse(response, 'invalid', '');
    if (reply.refusal) return respond(response, refusalOf(reply.refusal, reply));
    await play(reply, response);
  }

  function refusalOf(refusal: Refusal, { detail = '', pause, as200 }: Reply): HttpAnswer {
    const plain = wire.refuse(refusal, detail);
    if (as200) return { ...plain, status: 200 };
    if (pause === undefined) return plain;
    const write = wire.pauses[pause];
    if (!write) throw new Error(`${wire.name} does not ask for a pause by ${pause}.`);
    const asking = write(plain, PAUSE_MS);
    closed = { until: Date.now() + PAUSE_MS, refusal: asking };
    return asking;
  }

  async function play(reply: Reply, response: ServerResponse): Promise<void> {
    const { text = [], calls = [], end, usage = USAGE, rough } = reply;
    const answer = wire.answer(wire.model);
    const send = async (frames: readonly Frame[]) => {
      for (const packet of rough ? roughly(wire, [...answer.nothing(), ...frames]) : frames) {
        await write(response, packet);
      }
    };
    response.writeHead(200, { 'content-type': wire.contentType });
    await send(answer.begin(usage ?? USAGE));
    for (const piece of text) {
      if (typeof piece === 'string') await send(answer.text(piece));
      else if ('thinks' in piece) {
        const { thinks, held } = piece;
        const middle = Math.ceil(thinks.length / 2);
        await send(answer.think?.(thinks.slice(0, middle)) ?? []);
        await held;
        await send([...(answer.think?.(thinks.slice(middle)) ?? []), ...(answer.endThought?.() ?? [])]);
      } else if ('searches' in piece) {
        const { searches: query, id = String(++runIds), finds } = piece;
        await send(answer.run?.({ id: `${wire.runPrefix}${id}`, query, ...(finds && { finds }) }) ?? []);
      } else if ('found' in piece) {
        const { found, finds } = piece;
        const run = { id: `${wire.runPrefix}${found}`, query: '', ...(finds && { finds }) };
        await send(answer.found?.(run) ?? []);
      } else if ('makes' in piece) await send(answer.file?.(piece.makes, piece.data) ?? []);
      else if ('redacted' in piece) await send(answer.redacted?.(piece.redacted) ?? []);
      else await piece;
    }
    for (const { name, args } of calls) {
      await send(answer.call({ id: `${wire.callPrefix}${++callIds}`, name, pieces: inPieces(args) }));
    }
    switch (end) {
      case undefined:
        await send(answer.finish(calls.length > 0 ? 'calls' : 'answered', usage ?? undefined));
        break;
      case 'throttled':
      case 'overloaded':
      case 'model_error':
        await send(answer.fault(end));
        break;
      case 'cut':
        response.destroy();
        return;
      case 'half_frame':
        await send(
          answer
            .text('never complete')
            .slice(-1)
            .map((frame) => frame.slice(0, frame.length / 2)),
        );
        break;
      default:
        if (!wire.endings.includes(end)) throw new Error(`${wire.name} has no answer that ends ${end}.`);
        await send(answer.finish(end, usage ?? undefined));
    }
    response.end();
  }

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      complaints.push(`The server failed: ${error}`);
      response.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;

  return {
    origin: `http://127.0.0.1:${port}`,
    script(next) {
      replies = next;
      closed = undefined;
      seen = [];
      return seen;
    },
    takeComplaints: () => complaints.splice(0),
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeAllConnections();
      }),
  };
}

/** Models write their arguments a few characters at a time. */
function inPieces(args: Json): string[] {
  const text = typeof args === 'string' ? args : JSON.stringify(args);
  const middle = Math.ceil(text.length / 2);
  return [text.slice(0, middle), text.slice(middle)].filter((piece) => piece !== '');
}

const PACKET_BYTES = 3;

function roughly(wire: Wire, frames: readonly Frame[]): Uint8Array[] {
  const isText = wire.contentType.startsWith('text/');
  const rough = frames.map((frame) =>
    isText && typeof frame === 'string' ? `: waiting\r\n\r\n${frame.replaceAll(/\r?\n/g, '\r\n')}` : frame,
  );
  const bytes = Buffer.concat(rough.map((frame) => Buffer.from(frame as string)));
  return Array.from({ length: Math.ceil(bytes.length / PACKET_BYTES) }, (_, n) =>
    bytes.subarray(n * PACKET_BYTES, (n + 1) * PACKET_BYTES),
  );
}

/** Settles when the bytes are with the operating system, so that a cut right after does not lose them. */
function write(response: ServerResponse, frame: Frame): Promise<void> {
  return new Promise((resolve) => {
    // The error of a write to a client that has gone is no news: the response's `close` says so.
    response.write(frame, () => resolve());
  });
}
