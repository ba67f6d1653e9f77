import { join } from 'node:path';
import * as z from 'zod/mini';
import { Arrivals } from './arrivals.ts';
import type { Conversation, Peer } from './peer.ts';
import { serverEvents } from './server-events.ts';

const SERVER = join(import.meta.dirname, 'servers', 'workflow');
const PACKAGES = join(import.meta.dirname, 'node_modules');
const NITRO = join(PACKAGES, 'nitro', 'dist', 'cli', 'index.mjs');

export const workflow: Peer = {
  name: 'AI SDK WorkflowAgent',
  how: '`WorkflowAgent` on Workflow 5’s local world, built and served by Nitro (`NODE_ENV=production`); one run for a conversation, messages by its hook and `prepareStep` as Workflow’s guide on queueing has it; a client reads the stream again from its last chunk, as `WorkflowChatTransport` does, and takes back a step that `reset-step` begins anew',
  packages: ['@ai-sdk/workflow', 'workflow', '@workflow/world-local', 'nitro'],
  build: { args: [NITRO, 'build'], cwd: SERVER },
  launch: ({ port, folder, modelUrl }) => ({
    args: [join('.output', 'server', 'index.mjs')],
    cwd: SERVER,
    env: {
      NODE_ENV: 'production',
      HOST: '127.0.0.1',
      PORT: String(port),
      MODEL_URL: modelUrl,
      // From its package: bundled, it does not know its version and cannot take up runs.
      WORKFLOW_TARGET_WORLD: join(PACKAGES, '@workflow', 'world-local', 'dist', 'index.js'),
      WORKFLOW_INLINE_OWNERSHIP_LEASE_SECONDS: '15',
      WORKFLOW_LOCAL_DATA_DIR: join(folder, 'data'),
    },
    readyPath: '/',
  }),
  leftovers: ['.nitro', '.output', '.swc', 'node_modules'].map((name) => join(SERVER, name)),
  open: (host, id) => new WorkflowConversation(host, id),
};

const chunk = z.looseObject({ type: z.string(), delta: z.optional(z.string()) });

/** Where a team would look up the run of a conversation, in its own store. */
const runs = new Map<string, string>();

class WorkflowConversation implements Conversation {
  readonly arrivals = new Arrivals();
  readonly #api: string;
  readonly #id: string;
  /** The text of each step. */
  readonly #steps: string[] = [];
  #chunks = 0;
  #isOver = true;

  constructor(host: string, id: string) {
    this.#api = `http://${host}/api/chat`;
    this.#id = id;
  }

  /** Nothing is there before the first message; later the stream is read on from the last chunk. */
  async connect(): Promise<void> {
    const run = runs.get(this.#id);
    if (run === undefined) return;
    void this.#follow(this.#fetch(`/${run}/stream?startIndex=${this.#chunks}`));
  }

  async send(text: string): Promise<void> {
    this.#isOver = false;
    const run = runs.get(this.#id);
    if (run !== undefined) {
      await (await this.#fetch(`/${run}/message`, { message: text })).arrayBuffer();
      return;
    }
    const messages = [{ id: this.#id, role: 'user', parts: [{ type: 'text', text }] }];
    const response = await this.#fetch('', { messages });
    runs.set(this.#id, z.string().parse(response.headers.get('x-workflow-run-id')));
    void this.#follow(Promise.resolve(response));
  }

  answer(): string {
    return this.#steps.join('');
  }

  isOver(): boolean {
    return this.#isOver;
  }

  close(): void {}

  async #follow(response: Promise<Response>): Promise<void> {
    try {
      for await (const { data } of serverEvents(await response)) {
        this.arrivals.frame();
        if (data === '[DONE]') continue;
        this.#chunks++;
        this.#receive(chunk.parse(JSON.parse(data)));
      }
    } catch (error) {
      // Cut: `connect` reads on.
      if (!(error instanceof TypeError)) throw error;
    }
  }

  #receive({ type, delta = '' }: z.infer<typeof chunk>): void {
    if (type === 'start-step') this.#steps.push('');
    // A step that is run again removes what its earlier attempt had shown.
    else if (type === 'reset-step') this.#steps.splice(-1, 1, '');
    else if (type === 'text-delta') {
      this.#steps.splice(-1, 1, `${this.#steps.at(-1) ?? ''}${delta}`);
      this.arrivals.text(delta);
    }
    // Between steps of a turn, the next one begins at once.
    this.#isOver = type === 'finish-step' || (this.#isOver && type !== 'start-step');
  }

  #fetch(path: string, body?: object): Promise<Response> {
    const headers = { 'content-type': 'application/json', 'accept-encoding': 'identity' };
    const init = body ? { method: 'POST', body: JSON.stringify(body) } : {};
    return fetch(`${this.#api}${path}`, { headers, ...init });
  }
}
