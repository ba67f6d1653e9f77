import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { Arrivals } from './arrivals.ts';
import type { Conversation, Peer } from './peer.ts';
import { openSocket } from './socket.ts';

const SERVER = join(import.meta.dirname, 'servers', 'cloudflare');
const WRANGLER = join(import.meta.dirname, 'node_modules', 'wrangler', 'bin', 'wrangler.js');

export const cloudflare: Peer = {
  name: 'Cloudflare agents',
  how: '`AIChatAgent` on `wrangler dev`, default settings (`messageConcurrency` "queue", recovery and resumable streams on); a client asks for the stream again as `useAgentChat` does',
  packages: ['agents', '@cloudflare/ai-chat', 'ai', 'wrangler'],
  launch: ({ port, folder, modelUrl }) => ({
    args: [
      WRANGLER,
      'dev',
      ...['--ip', '127.0.0.1', '--port', String(port), '--inspector-port', '0'],
      ...['--persist-to', join(folder, 'data'), '--var', `MODEL_URL:${modelUrl}`],
      ...['--show-interactive-dev-session=false', '--log-level', 'warn'],
    ],
    cwd: SERVER,
    env: {},
    readyPath: '/',
  }),
  leftovers: [join(SERVER, '.wrangler')],
  open: (host, id) => new CloudflareConversation(host, id),
};

const uiMessage = z.looseObject({
  id: z.string(),
  role: z.string(),
  parts: z.array(z.looseObject({ type: z.string(), text: z.optional(z.string()) })),
});
type UiMessage = z.infer<typeof uiMessage>;

const frame = z.looseObject({
  type: z.string(),
  id: z.optional(z.string()),
  body: z.optional(z.string()),
  done: z.optional(z.boolean()),
  outcome: z.optional(z.string()),
  replay: z.optional(z.boolean()),
  continuation: z.optional(z.boolean()),
  seq: z.optional(z.number()),
  messages: z.optional(z.array(uiMessage)),
  message: z.optional(uiMessage),
});
type Frame = z.infer<typeof frame>;

const part = z.looseObject({
  type: z.string(),
  delta: z.optional(z.string()),
  messageId: z.optional(z.string()),
});

/** Reads the frames as `useAgentChat` does, with text alone. */
class CloudflareConversation implements Conversation {
  readonly arrivals = new Arrivals();
  readonly #url: string;
  #send: ((frame: object) => void) | undefined;
  #messages: UiMessage[] = [];
  /** Requests that are not done: sent by us, or heard of. */
  readonly #open = new Set<string>();
  /** Which message a request's text belongs to. */
  readonly #targets = new Map<string, string>();
  /** The last chunk of each request that is on the screen. */
  readonly #applied = new Map<string, number>();

  #isLoaded = false;

  constructor(host: string, id: string) {
    this.#url = `ws://${host}/agents/chat-agent/${id}`;
  }

  async connect(): Promise<void> {
    if (!this.#isLoaded) await this.#load();
    this.#send = await openSocket(this.#url, this.arrivals, (message, send) =>
      this.#receive(frame.parse(message), send),
    );
    this.#send({ type: 'cf_agent_stream_resume_request' });
  }

  async send(text: string): Promise<void> {
    const id = randomUUID().slice(0, 8);
    this.#messages.push({ id: randomUUID(), role: 'user', parts: [{ type: 'text', text }] });
    this.#open.add(id);
    const body = JSON.stringify({ messages: this.#messages, trigger: 'submit-message' });
    this.#send?.({ id, init: { method: 'POST', body }, type: 'cf_agent_use_chat_request' });
  }

  answer(): string {
    const texts = this.#messages.filter(({ role }) => role === 'assistant').flatMap(({ parts }) => parts);
    return texts.map(({ type, text }) => (type === 'text' ? (text ?? '') : '')).join('');
  }

  isOver(): boolean {
    return this.#open.size === 0;
  }

  close(): void {
    this.#send = undefined;
  }

  #receive(message: Frame, send: (frame: object) => void): void {
    const { type, id } = message;
    if (type === 'cf_agent_chat_messages' && message.messages) this.#replace(message.messages);
    else if (type === 'cf_agent_message_updated' && message.message) this.#update(message.message);
    else if (type === 'cf_agent_stream_resuming' && id !== undefined) {
      // Each time: a connection that was told and has not answered is left out of what is live.
      this.#open.add(id);
      send({ type: 'cf_agent_stream_resume_ack', id });
    } else if (type === 'cf_agent_use_chat_response' && id !== undefined) this.#respond(id, message);
  }

  /** Once, as the hook does before its first rendering. */
  async #load(): Promise<void> {
    this.#isLoaded = true;
    const response = await fetch(`${this.#url.replace('ws:', 'http:')}/get-messages`);
    const text = await response.text();
    this.#replace(text.trim() === '' ? [] : z.array(uiMessage).parse(JSON.parse(text)));
  }

  /** What the server has stored takes the place of what is shown, except of a message that is being streamed. */
  #replace(stored: readonly UiMessage[]): void {
    const isStreamed = (id: string) =>
      [...this.#targets].some(([request, target]) => target === id && this.#open.has(request));
    const streamed = this.#messages.filter(({ id }) => isStreamed(id));
    for (const message of stored) this.#count(message);
    this.#messages = stored.map((message) => streamed.find(({ id }) => id === message.id) ?? message);
    this.#messages.push(...streamed.filter(({ id }) => !stored.some((message) => message.id === id)));
  }

  #update(message: UiMessage): void {
    const at = this.#messages.findIndex(({ id }) => id === message.id);
    if (at >= 0) this.#messages[at] = message;
  }

  #respond(request: string, { body, done, outcome, replay, continuation, seq }: Frame): void {
    this.#open.add(request);
    const alreadyShown =
      replay && continuation && seq !== undefined && seq <= (this.#applied.get(request) ?? -1);
    if (body?.trim()) {
      const { type, delta, messageId } = part.parse(JSON.parse(body));
      if (type === 'start') this.#begin(request, messageId, !!continuation);
      if (type === 'text-delta') {
        this.arrivals.text(delta ?? '');
        if (!alreadyShown) this.#append(request, delta ?? '');
      }
    }
    if (seq !== undefined && !alreadyShown) this.#applied.set(request, seq);
    if (done && outcome !== 'recovering') this.#open.delete(request);
  }

  /** A continuation goes on with the last answer; a stream that is told from its beginning builds its message anew. */
  #begin(request: string, messageId: string | undefined, isContinuation: boolean): void {
    const last = this.#messages.findLast(({ role }) => role === 'assistant')?.id;
    const target = messageId ?? (isContinuation ? last : undefined) ?? request;
    this.#targets.set(request, target);
    const known = this.#messages.find(({ id }) => id === target);
    if (!known) this.#messages.push({ id: target, role: 'assistant', parts: [] });
    else if (!isContinuation) known.parts = [];
  }

  #append(request: string, text: string): void {
    const target = this.#targets.get(request);
    this.#messages.find(({ id }) => id === target)?.parts.push({ type: 'text', text });
  }

  #count({ role, parts }: UiMessage): void {
    if (role !== 'assistant') return;
    for (const { type, text } of parts) if (type === 'text') this.arrivals.text(text ?? '');
  }
}
