import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { isStepCount, type ModelMessage, streamText, tool } from 'ai';
import { type WebSocket, WebSocketServer } from 'ws';
import * as z from 'zod';

/**
 * What a team writes around the AI SDK: a WebSocket per conversation, the SDK's own stream parts as frames, steering
 * taken in by `prepareStep`, and the conversation saved when an answer is finished, as its guide on persistence has it.
 */

const { PORT = '', MODEL_URL = '', FOLDER = '' } = process.env;
const model = createOpenAICompatible({ name: 'scripted', baseURL: MODEL_URL })('scripted');
const wait = tool({
  description: 'Waits so many seconds.',
  inputSchema: z.object({ seconds: z.number() }),
  execute: async ({ seconds }) => {
    await sleep(seconds * 1000);
    return { waited: seconds };
  },
});

/** Messages that came in mid-turn, and how many stand before them. */
interface Steered {
  at: number;
  messages: ModelMessage[];
}

class Chat {
  readonly #file: string;
  readonly #messages: ModelMessage[];
  readonly #steering: string[] = [];
  #isRunning = false;
  socket: WebSocket | undefined;

  constructor(id: string) {
    this.#file = join(FOLDER, `${encodeURIComponent(id)}.json`);
    this.#messages = read(this.#file);
  }

  connect(socket: WebSocket): void {
    this.socket = socket;
    socket.on('message', (data) => {
      this.#steering.push(z.object({ content: z.string() }).parse(JSON.parse(data.toString())).content);
      if (!this.#isRunning) void this.#run();
    });
    this.#post({ type: 'messages', messages: this.#messages, isRunning: this.#isRunning });
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#steering.length > 0) {
      this.#messages.push(...this.#applyInbox());
      this.#save();
      await this.#answer();
      this.#save();
    }
    this.#isRunning = false;
    this.#post({ type: 'idle' });
  }

  #applyInbox(): ModelMessage[] {
    return this.#steering.splice(0).map((content): ModelMessage => ({ role: 'user', content }));
  }

  /** One `streamText`. Messages that `prepareStep` gives carry forward to later steps. */
  async #answer(): Promise<void> {
    const steered: Steered[] = [];
    const result = streamText({
      model,
      messages: [...this.#messages],
      tools: { wait },
      stopWhen: isStepCount(16),
      prepareStep: ({ messages }) => {
        const taken = this.#applyInbox();
        if (taken.length === 0) return {};
        steered.push({ at: messages.length, messages: taken });
        return { messages: [...messages, ...taken] };
      },
    });
    for await (const part of result.toUIMessageStream()) this.#post(part);
    this.#messages.push(...(await result.responseMessages));
    for (const { at, messages } of steered) this.#messages.splice(at, 0, ...messages);
  }

  #post(frame: object): void {
    this.socket?.send(JSON.stringify(frame));
  }

  #save(): void {
    writeFileSync(this.#file, JSON.stringify(this.#messages));
  }
}

function read(file: string): ModelMessage[] {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return [];
  }
}

mkdirSync(FOLDER, { recursive: true });
const chats = new Map<string, Chat>();
const server = new WebSocketServer({ host: '127.0.0.1', port: Number(PORT), perMessageDeflate: false });
server.on('connection', (socket, request) => {
  const id = request.url ?? '';
  const chat = chats.get(id) ?? new Chat(id);
  chats.set(id, chat);
  chat.connect(socket);
});
