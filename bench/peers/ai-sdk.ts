import { join } from 'node:path';
import * as z from 'zod/mini';
import { Arrivals } from './arrivals.ts';
import type { Conversation, Peer } from './peer.ts';
import { openSocket } from './socket.ts';

const SERVER = join(import.meta.dirname, 'servers', 'ai-sdk');

export const aiSdk: Peer = {
  name: 'AI SDK with ws',
  how: 'a server of 120 lines: `streamText`, its UI message parts as frames over `ws`, steering by `prepareStep`, each finished answer saved to a file',
  packages: ['ai', '@ai-sdk/openai-compatible', 'ws'],
  launch: ({ port, folder, modelUrl }) => ({
    args: [join(SERVER, 'server.ts')],
    cwd: SERVER,
    env: { PORT: String(port), MODEL_URL: modelUrl, FOLDER: join(folder, 'data') },
    readyPath: '/',
  }),
  leftovers: [],
  open: (host, id) => new AiSdkConversation(host, id),
};

const storedMessage = z.object({
  role: z.string(),
  content: z.union([z.string(), z.array(z.looseObject({ type: z.string(), text: z.optional(z.string()) }))]),
});
const frame = z.looseObject({
  type: z.string(),
  delta: z.optional(z.string()),
  messages: z.optional(z.array(storedMessage)),
  isRunning: z.optional(z.boolean()),
});

class AiSdkConversation implements Conversation {
  readonly arrivals = new Arrivals();
  readonly #url: string;
  #send: ((frame: object) => void) | undefined;
  #text = '';
  #isOver = true;
  #loaded = Promise.withResolvers<void>();

  constructor(host: string, id: string) {
    this.#url = `ws://${host}/${id}`;
  }

  async connect(): Promise<void> {
    this.#loaded = Promise.withResolvers();
    this.#send = await openSocket(this.#url, this.arrivals, (message) => this.#receive(frame.parse(message)));
    await this.#loaded.promise;
  }

  async send(content: string): Promise<void> {
    this.#isOver = false;
    this.#send?.({ content });
  }

  answer(): string {
    return this.#text;
  }

  isOver(): boolean {
    return this.#isOver;
  }

  close(): void {
    this.#send = undefined;
  }

  #receive({ type, delta, messages, isRunning }: z.infer<typeof frame>): void {
    if (messages) {
      const stored = messages.flatMap(textOf).join('');
      // A client that is back keeps what it shows unless the server has an answer to put in its place.
      if (stored !== '') this.#text = stored;
      this.#isOver = !isRunning;
      this.arrivals.text(stored);
      this.#loaded.resolve();
    } else if (type === 'text-delta') {
      this.#text += delta ?? '';
      this.arrivals.text(delta ?? '');
    } else if (type === 'idle') this.#isOver = true;
  }
}

function textOf({ role, content }: z.infer<typeof storedMessage>): string[] {
  if (role !== 'assistant') return [];
  if (typeof content === 'string') return [content];
  return content.flatMap(({ type, text }) => (type === 'text' && text !== undefined ? [text] : []));
}
