import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { ClientFrame } from '../../protocol/client-frames.ts';
import type { ServerFrame } from '../../protocol/server-frames.ts';
import { Arrivals } from './arrivals.ts';
import type { Conversation, Peer } from './peer.ts';
import { openSocket } from './socket.ts';

const ROOT = join(import.meta.dirname, '..', '..');

export const midturn: Peer = {
  name: 'Midturn',
  how: 'the local cloud with a data folder (`npm start`), default settings; a client resumes with `after_seq`',
  packages: [],
  launch: ({ port, folder, modelUrl }) => ({
    args: [join(ROOT, 'local', 'main.ts')],
    cwd: ROOT,
    env: {
      PORT: String(port),
      MIDTURN_MODEL: 'openai-compatible:scripted',
      MIDTURN_MODEL_BASE_URL: modelUrl,
      MIDTURN_AUTH: 'none',
      MIDTURN_DATA_DIR: join(folder, 'data'),
    },
    readyPath: '/',
  }),
  leftovers: [],
  open: (host, id) => new MidturnConversation(host, id),
};

class MidturnConversation implements Conversation {
  readonly arrivals = new Arrivals();
  readonly #url: string;
  #send: ((frame: object) => void) | undefined;
  #lane: string | undefined;
  #seq = 0;
  #sent = 0;
  #text = '';
  readonly #accepted = new Map<string, string>();
  readonly #ended = new Set<string>();
  #connected = Promise.withResolvers<void>();

  constructor(host: string, id: string) {
    this.#url = `ws://${host}/local?session_id=${id}`;
  }

  async connect(): Promise<void> {
    this.#connected = Promise.withResolvers();
    this.#send = await openSocket(this.#url, this.arrivals, (message, send) => {
      this.#receive(message as ServerFrame, send);
    });
    const resume = this.#lane !== undefined && { resume: { lane: this.#lane, after_seq: this.#seq } };
    this.#say({ type: 'connect', ...resume });
    await this.#connected.promise;
  }

  async send(content: string): Promise<void> {
    this.#sent++;
    this.#say({ type: 'message', id: randomUUID(), content, order: this.#sent });
  }

  answer(): string {
    return this.#text;
  }

  isOver(): boolean {
    return (
      this.#accepted.size === this.#sent &&
      [...this.#accepted.values()].every((turn) => this.#ended.has(turn))
    );
  }

  close(): void {
    this.#send = undefined;
  }

  #say(frame: ClientFrame): void {
    this.#send?.(frame);
  }

  #receive(frame: ServerFrame, send: (frame: object) => void): void {
    if ('seq' in frame) {
      if (frame.seq <= this.#seq) return;
      this.#seq = frame.seq;
    }
    if (frame.type === 'session_start') {
      // Somebody who has nothing yet reads the transcript; who resumes is sent what is missing.
      if (this.#lane === undefined && frame.message_count > 0) send({ type: 'history', limit: 200 });
      this.#lane = frame.lane;
    } else if (frame.type === 'history') {
      this.#show(frame.entries.map((entry) => (entry.role === 'assistant' ? entry.content : '')).join(''));
    } else if (frame.type === 'connected') this.#connected.resolve();
    else if (frame.type === 'accepted') this.#accepted.set(frame.id, frame.turn_id);
    else if (frame.type === 'chunk') this.#show(frame.content);
    else if (frame.type === 'done' || frame.type === 'aborted') this.#ended.add(frame.turn_id);
    else if (frame.type === 'error' && frame.terminal) this.#ended.add(frame.turn_id);
  }

  #show(text: string): void {
    this.#text += text;
    this.arrivals.text(text);
  }
}
