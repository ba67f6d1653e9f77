import { join } from 'node:path';
import * as z from 'zod/mini';
import { Arrivals } from './arrivals.ts';
import type { Conversation, Peer } from './peer.ts';
import { type ServerEvent, serverEvents } from './server-events.ts';

const SERVER = join(import.meta.dirname, 'servers', 'langgraph');
const CLI = join(
  import.meta.dirname,
  ...['node_modules', '@langchain', 'langgraph-cli', 'dist', 'cli', 'cli.mjs'],
);

export const langgraph: Peer = {
  name: 'LangGraph, enqueue',
  how: '`createAgent` on `langgraphjs dev`; runs streamed as `messages-tuple` with `stream_resumable`, `on_disconnect: continue`, `multitask_strategy: enqueue`; a client joins the run again with `Last-Event-ID`',
  packages: ['langchain', '@langchain/langgraph', '@langchain/langgraph-cli', '@langchain/openai'],
  launch: ({ port, modelUrl }) => ({
    args: [CLI, 'dev', '--host', '127.0.0.1', '--port', String(port), '--no-browser', '--no-reload'],
    cwd: SERVER,
    env: { MODEL_URL: modelUrl },
    readyPath: '/ok',
  }),
  leftovers: [join(SERVER, '.langgraph_api')],
  open: (host, id) => new LangGraphConversation(host, id, 'enqueue'),
  variant: {
    name: 'LangGraph, interrupt',
    open: (host, id) => new LangGraphConversation(host, id, 'interrupt'),
  },
};

const content = z.union([
  z.string(),
  z.array(z.looseObject({ type: z.string(), text: z.optional(z.string()) })),
]);
const shownMessage = z.looseObject({ id: z.nullish(z.string()), type: z.string(), content });
const messageEvent = z.tuple([shownMessage], z.unknown());
const runEvent = z.looseObject({ run_id: z.string() });
const stateBody = z.looseObject({
  values: z.nullish(z.looseObject({ messages: z.optional(z.array(shownMessage)) })),
});
const runsBody = z.array(z.looseObject({ run_id: z.string(), status: z.string() }));

interface Run {
  id: string | undefined;
  lastEventId: string | undefined;
  isOver: boolean;
}

class LangGraphConversation implements Conversation {
  readonly arrivals = new Arrivals();
  readonly #origin: string;
  readonly #thread: string;
  readonly #strategy: 'enqueue' | 'interrupt';
  #created = false;
  readonly #runs: Run[] = [];
  /** Of the assistant, by message id, in the order in which they began. */
  readonly #texts = new Map<string, string>();

  constructor(host: string, id: string, strategy: 'enqueue' | 'interrupt') {
    this.#origin = `http://${host}`;
    this.#thread = id;
    this.#strategy = strategy;
  }

  /**
   * The first time a thread is made, or read if it is there. Later the runs that were not over are joined again, as the SDK
   * does; what is stored is read only where there is none to join, since a stream repeats what it has in common with it.
   */
  async connect(): Promise<void> {
    if (!this.#created) {
      const body = { thread_id: this.#thread, if_exists: 'do_nothing' };
      await this.#fetch('/threads', { method: 'POST', body: JSON.stringify(body) });
      this.#created = true;
      await this.#load();
      return;
    }
    const response = await this.#fetch(`/threads/${this.#thread}/runs`);
    const known = response.ok ? runsBody.parse(await response.json()) : [];
    const statusOf = ({ id }: Run) => known.find(({ run_id }) => run_id === id)?.status;
    for (const run of this.#runs.filter(({ isOver }) => !isOver)) {
      if (['pending', 'running'].includes(statusOf(run) ?? '')) void this.#join(run);
      else run.isOver = true;
    }
    if (this.isOver()) await this.#load();
  }

  async send(text: string): Promise<void> {
    const run: Run = { id: undefined, lastEventId: undefined, isOver: false };
    this.#runs.push(run);
    const body = JSON.stringify({
      assistant_id: 'agent',
      input: { messages: [{ role: 'user', content: text }] },
      stream_mode: ['messages-tuple'],
      stream_resumable: true,
      on_disconnect: 'continue',
      multitask_strategy: this.#strategy,
    });
    void this.#follow(run, this.#fetch(`/threads/${this.#thread}/runs/stream`, { method: 'POST', body }));
  }

  answer(): string {
    return [...this.#texts.values()].join('');
  }

  isOver(): boolean {
    return this.#runs.every(({ isOver }) => isOver);
  }

  close(): void {}

  async #load(): Promise<void> {
    const response = await this.#fetch(`/threads/${this.#thread}/state`);
    if (!response.ok) return;
    for (const { id, type, content } of stateBody.parse(await response.json()).values?.messages ?? []) {
      if (type !== 'ai' || !id) continue;
      this.#texts.set(id, textOf(content));
      this.arrivals.text(textOf(content));
    }
  }

  #join(run: Run): Promise<void> {
    const headers = { 'Last-Event-ID': run.lastEventId ?? '-1' };
    const path = `/threads/${this.#thread}/runs/${run.id}/stream?stream_mode=messages-tuple`;
    return this.#follow(run, this.#fetch(path, { headers }));
  }

  /** Until the stream ends; one that is cut leaves its run open, for `connect` to join again. */
  async #follow(run: Run, response: Promise<Response>): Promise<void> {
    try {
      for await (const event of serverEvents(await response)) {
        this.arrivals.frame();
        this.#receive(run, event);
      }
      run.isOver = true;
    } catch (error) {
      // What undici throws for a connection that is lost, before the answer or in it.
      if (!(error instanceof TypeError)) throw error;
    }
  }

  #receive(run: Run, { event, id, data }: ServerEvent): void {
    if (id !== undefined) run.lastEventId = id;
    if (event === 'metadata') run.id = runEvent.parse(JSON.parse(data)).run_id;
    if (event !== 'messages') return;
    const [message] = messageEvent.parse(JSON.parse(data));
    if (!message.type.startsWith('AI') && message.type !== 'ai') return;
    const text = textOf(message.content);
    const key = message.id ?? '';
    this.#texts.set(key, (this.#texts.get(key) ?? '') + text);
    this.arrivals.text(text);
  }

  #fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = { 'content-type': 'application/json', 'accept-encoding': 'identity', ...init.headers };
    return fetch(`${this.#origin}${path}`, { ...init, headers });
  }
}

const textOf = (value: z.infer<typeof content>): string =>
  typeof value === 'string'
    ? value
    : value.map(({ type, text }) => (type === 'text' ? (text ?? '') : '')).join('');
