import { join } from 'node:path';
import * as z from 'zod/mini';
import { Arrivals } from './arrivals.ts';
import type { Conversation, Peer } from './peer.ts';
import { serverEvents } from './server-events.ts';

const SERVER = join(import.meta.dirname, 'servers', 'mastra');

export const mastra: Peer = {
  name: 'Mastra durable agent',
  how: 'an agent with `durable`, memory and `recovery.durableAgents: "auto"`, with LibSQL in a file and the stream’s cache in memory (the cache that outlives a process needs Redis), behind `@mastra/hono`; a client subscribes to its thread and sends messages to it, as `@mastra/client-js` does',
  packages: ['@mastra/core', '@mastra/hono', '@mastra/libsql', '@mastra/memory'],
  launch: ({ port, folder, modelUrl }) => ({
    args: [join(SERVER, 'server.ts')],
    cwd: SERVER,
    env: { NODE_ENV: 'production', PORT: String(port), MODEL_URL: modelUrl, FOLDER: folder },
    readyPath: '/',
  }),
  leftovers: [],
  open: (host, id) => new MastraConversation(host, id),
};

const chunk = z.looseObject({
  type: z.string(),
  runId: z.optional(z.string()),
  payload: z.optional(z.looseObject({ text: z.optional(z.string()) })),
});
const storedBody = z.looseObject({
  messages: z.array(
    z.looseObject({
      id: z.string(),
      role: z.string(),
      content: z.looseObject({
        parts: z.array(z.looseObject({ type: z.string(), text: z.optional(z.string()) })),
      }),
    }),
  ),
});

class MastraConversation implements Conversation {
  readonly arrivals = new Arrivals();
  readonly #origin: string;
  readonly #thread: { resourceId: string; threadId: string };
  /** Of the assistant, by run, or by message where it came from the store; in order. */
  readonly #texts = new Map<string, string>();
  #isOver = true;

  constructor(host: string, id: string) {
    this.#origin = `http://${host}/api`;
    this.#thread = { resourceId: 'somebody', threadId: id };
  }

  /** What is stored, which are finished runs; then the subscription, which begins with all of a run that is active. */
  async connect(): Promise<void> {
    await this.#load();
    void this.#follow(await this.#post('/threads/subscribe', this.#thread));
  }

  async send(message: string): Promise<void> {
    this.#isOver = false;
    await (await this.#post('/send-message', { ...this.#thread, message })).arrayBuffer();
  }

  answer(): string {
    return [...this.#texts.values()].join('');
  }

  isOver(): boolean {
    return this.#isOver;
  }

  close(): void {}

  async #load(): Promise<void> {
    const { resourceId, threadId } = this.#thread;
    const url = `${this.#origin}/memory/threads/${threadId}/messages?agentId=agent&resourceId=${resourceId}`;
    const response = await fetch(url, { headers: HEADERS });
    const body = await response.text();
    if (!response.ok) return;
    const stored = storedBody.parse(JSON.parse(body)).messages.filter(({ role }) => role === 'assistant');
    if (stored.length === 0) return;
    this.#texts.clear();
    for (const { id, content } of stored) {
      // Stored texts are trimmed.
      const text = content.parts.flatMap(({ type, text }) => (type === 'text' ? [` ${text?.trim()}`] : []));
      this.#texts.set(id, text.join(''));
      this.arrivals.text(text.join(''));
    }
  }

  async #follow(response: Response): Promise<void> {
    try {
      for await (const { data } of serverEvents(response)) {
        this.arrivals.frame();
        if (data !== '[DONE]') this.#receive(chunk.parse(JSON.parse(data)));
      }
    } catch (error) {
      // Cut: `connect` subscribes again.
      if (!(error instanceof TypeError)) throw error;
    }
  }

  #receive({ type, runId = '', payload }: z.infer<typeof chunk>): void {
    if (type === 'start') {
      this.#isOver = false;
      this.#texts.set(runId, '');
    } else if (type === 'text-delta') {
      const text = payload?.text ?? '';
      this.#texts.set(runId, (this.#texts.get(runId) ?? '') + text);
      this.arrivals.text(text);
    } else if (type === 'finish' || type === 'error' || type === 'abort') this.#isOver = true;
  }

  #post(path: string, body: object): Promise<Response> {
    const init = { method: 'POST', headers: HEADERS, body: JSON.stringify(body) };
    return fetch(`${this.#origin}/agents/agent${path}`, init);
  }
}

const HEADERS = { 'content-type': 'application/json', 'accept-encoding': 'identity' };
