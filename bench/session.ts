import { setTimeout as sleep } from 'node:timers/promises';
import { brokenPromises, type SessionRecord } from '../local/demo/promises.ts';
import type { ClientFrame } from '../protocol/client-frames.ts';
import type { HistoryEntry, ServerFrame } from '../protocol/server-frames.ts';
import { connect, type Received, type WsClient } from '../test/support/ws-client.ts';

/** Fifty sessions on two cores wait for each other; a bench that hangs still ends. */
const TIMEOUT_MS = 120_000;
const POLL_MS = 200;
const MAX_POLLS = 25;

/** As a client would wait. */
const ANSWER_MS = 5000;

class Refused extends Error {
  override readonly name = 'Refused';
}

const isAnswerTo = (id: string, frame: Received): boolean =>
  (frame.type === 'accepted' || frame.type === 'error') && 'id' in frame && frame.id === id;

const isEndOf = (turn: string, frame: Received): boolean =>
  'full_response' in frame && frame.turn_id === turn;

export interface Sent {
  id: string;
  content: string;
  /** In milliseconds of `performance.now()`. */
  sentAt: number;
  /** When `accepted` was here. @throws when the message was refused. */
  accepted: Promise<number>;
}

/** A client of one session that keeps what it sent and received, for holding it against the promises. */
export class BenchSession {
  readonly name: string;
  readonly #client: WsClient;
  readonly #sent: Sent[] = [];
  readonly #over = new Set<string>();
  /** Of all payloads received. */
  bytes = 0;
  /** Messages sent again because no answer came. */
  repeats = 0;

  private constructor(name: string, client: WsClient) {
    this.name = name;
    this.#client = client;
    client.socket.on('message', (data: Buffer) => {
      this.bytes += data.length;
    });
  }

  static async open(url: string, name: string): Promise<BenchSession> {
    const session = new BenchSession(name, await connect(`${url}?session_id=${name}`));
    session.#client.send({ type: 'connect' });
    await session.#client.next('connected', { timeoutMs: TIMEOUT_MS });
    return session;
  }

  get frames(): readonly Received[] {
    return this.#client.frames;
  }

  /** Content is unique within the bench, so that a model call can be told by it. */
  send(): Sent {
    const id = `m${this.#sent.length + 1}`;
    const content = `${this.name} ${id}`;
    const sentAt = performance.now();
    const accepted = this.#deliver({ type: 'message', id, content, order: this.#sent.length + 1 }, id);
    const sent = { id, content, sentAt, accepted };
    this.#sent.push(sent);
    return sent;
  }

  /** Sends, and sends again while nobody answers, as clients do: it stays one message (P10). */
  async #deliver(frame: ClientFrame, id: string): Promise<number> {
    for (let tries = 1; ; tries++) {
      this.#client.send(frame);
      try {
        const answer = await this.#client.waitFor((frame) => isAnswerTo(id, frame), { timeoutMs: ANSWER_MS });
        if (answer.type !== 'accepted') throw new Refused(`${this.name}: ${JSON.stringify(answer)}`);
        return performance.now();
      } catch (error) {
        if (error instanceof Refused || tries * ANSWER_MS >= TIMEOUT_MS) throw error;
        this.repeats++;
      }
    }
  }

  /** When the next chunk was here that no wait of this session has seen yet, of a turn that has not been waited for. */
  async nextChunk(): Promise<number> {
    await this.#client.next((frame) => frame.type === 'chunk' && !this.#over.has(frame.turn_id), {
      timeoutMs: TIMEOUT_MS,
    });
    return performance.now();
  }

  /** When the turn that this message opened had begun. */
  async begun({ id }: Sent): Promise<number> {
    await this.#client.waitFor((frame) => frame.type === 'turn_start' && frame.message_ids.includes(id), {
      timeoutMs: TIMEOUT_MS,
    });
    return performance.now();
  }

  /** Until all that was sent is answered. @throws when a turn ends otherwise than by `done`. */
  async answered(): Promise<void> {
    await Promise.all(this.#sent.map(({ accepted }) => accepted));
    const turns = new Set(
      this.#client.frames.flatMap((frame) => (frame.type === 'accepted' ? [frame.turn_id] : [])),
    );
    for (const turn of [...turns].filter((id) => !this.#over.has(id))) {
      const end = await this.#client.waitFor((frame) => isEndOf(turn, frame), { timeoutMs: TIMEOUT_MS });
      if (end.type !== 'done') throw new Error(`${this.name}: ${JSON.stringify(end)}`);
      this.#over.add(turn);
    }
  }

  /**
   * Closes, and gives all that this client knows of its session. A turn's last entries are written right after its `done`
   * is out, so a transcript that is not whole is read again.
   */
  async end(): Promise<SessionRecord> {
    for (let poll = 1; ; poll++) {
      const transcript = await this.#readTranscript();
      const frames = this.#client.frames.filter((frame): frame is ServerFrame => frame.type !== undefined);
      const record = { frames, sent: this.#sent, transcript };
      if (poll < MAX_POLLS && brokenPromises(record).length > 0) {
        await sleep(POLL_MS);
        continue;
      }
      await this.#client.close();
      return record;
    }
  }

  async #readTranscript(): Promise<HistoryEntry[]> {
    const transcript: HistoryEntry[] = [];
    let before: number | undefined;
    do {
      this.#client.send({ type: 'history', limit: 200, ...(before !== undefined && { before }) });
      const page = await this.#client.next('history', { timeoutMs: TIMEOUT_MS });
      transcript.unshift(...page.entries);
      before = page.next;
    } while (before !== undefined);
    return transcript;
  }
}
