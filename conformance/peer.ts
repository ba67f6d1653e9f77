import { WebSocket } from 'ws';
import type { ClientFrame } from '../protocol/client-frames.ts';
import type { EventFrame, ServerFrame } from '../protocol/server-frames.ts';
import { type FrameOf, type FrameType, isEvent, isRateLimit, readFrame } from './frames.ts';
import { Broken, brief } from './outcome.ts';

export interface PeerOptions {
  protocols: readonly string[];
  headers: Readonly<Record<string, string>>;
  /** How long anything is waited for, in milliseconds. */
  patienceMs: number;
}

/** The server answered the handshake with something else than 101. */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly status: number;

  constructor(status: number) {
    super(`the handshake was refused with HTTP status ${status}`);
    this.status = status;
  }
}

export function openPeer(url: string, options: PeerOptions): Promise<Peer> {
  const { protocols, headers, patienceMs } = options;
  const socket = new WebSocket(url, [...protocols], {
    headers: { ...headers },
    handshakeTimeout: patienceMs,
  });
  // From the start: the first frames can come in the packet that ends the handshake.
  const peer = new Peer(socket, patienceMs);
  return new Promise((resolve, reject) => {
    socket.once('open', () => resolve(peer));
    socket.once('error', reject);
    socket.once('unexpected-response', (request, response) => {
      request.destroy();
      reject(new Refused(response.statusCode ?? 0));
    });
  });
}

interface Waiter {
  look(): boolean;
  fail(why: string): void;
}

/** The kit's end of one connection: keeps what comes in, in order, and waits for what should. */
export class Peer {
  /** Frames of the protocol, as they came. */
  readonly received: ServerFrame[] = [];
  /** What came in and is no frame of the protocol, and why. */
  readonly wrong: string[] = [];
  /** Sizes of all that came in, in bytes. */
  largest = 0;
  readonly #socket: WebSocket;
  readonly #patienceMs: number;
  #waiters: Waiter[] = [];
  #closed: number | undefined;

  constructor(socket: WebSocket, patienceMs: number) {
    this.#socket = socket;
    this.#patienceMs = patienceMs;
    socket.on('message', (data, isBinary) => this.#receive(data.toString(), isBinary));
    // `close` follows, and fails whoever waits.
    socket.on('error', () => {});
    socket.on('close', (code) => {
      this.#closed = code;
      for (const waiter of this.#waiters.splice(0)) waiter.fail(`the server closed with ${code}`);
    });
  }

  /** The subprotocol that the server chose; empty for none. */
  get protocol(): string {
    return this.#socket.protocol;
  }

  get events(): EventFrame[] {
    return this.received.filter(isEvent);
  }

  /** The highest `seq` that came in; 0 before any. */
  get lastSeq(): number {
    return Math.max(0, ...this.events.map(({ seq }) => seq));
  }

  get isOpen(): boolean {
    return this.#closed === undefined;
  }

  send(frame: ClientFrame): void {
    this.sendText(JSON.stringify(frame));
  }

  sendText(text: string): void {
    this.#socket.send(text);
  }

  /**
   * The first frame of this type, or that matches, received already or still to come; frames before the position
   * `from` in `received` do not count.
   * @throws {Broken} when nothing comes, or the connection ends first.
   */
  wait<T extends FrameType>(wanted: T, options?: WaitOptions): Promise<FrameOf<T>>;
  wait<F extends ServerFrame>(wanted: (frame: ServerFrame) => frame is F, options?: WaitOptions): Promise<F>;
  wait(wanted: (frame: ServerFrame) => boolean, options?: WaitOptions): Promise<ServerFrame>;
  wait(
    wanted: FrameType | ((frame: ServerFrame) => boolean),
    { what, from = 0, patienceMs = this.#patienceMs }: WaitOptions = {},
  ): Promise<ServerFrame> {
    const matches = typeof wanted === 'string' ? ({ type }: ServerFrame) => type === wanted : wanted;
    const name = what ?? (typeof wanted === 'string' ? `\`${wanted}\`` : 'a frame');
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        look: () => {
          const found = this.received.find((frame, at) => at >= from && matches(frame));
          if (!found) return false;
          clearTimeout(timer);
          resolve(found);
          return true;
        },
        fail: (why) => {
          clearTimeout(timer);
          const last = this.received.at(-1);
          const seen = this.wrong.at(-1) ?? (last ? brief(last) : 'nothing');
          reject(new Broken(`${name} did not come: ${why}; last came ${seen}`));
        },
      };
      const timer = setTimeout(() => {
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
        waiter.fail(`nothing within ${patienceMs / 1000} s`);
      }, patienceMs);
      if (waiter.look()) return;
      if (this.#closed === undefined) this.#waiters.push(waiter);
      else waiter.fail(`the connection was closed with ${this.#closed}`);
    });
  }

  /** Ends the connection without a word, as a lost network does. */
  cut(): Promise<void> {
    this.#socket.terminate();
    return this.#gone();
  }

  close(): Promise<void> {
    this.#socket.close();
    // A server that does not answer the closing handshake must not hold the kit up.
    const timer = setTimeout(() => this.#socket.terminate(), 1000);
    return this.#gone().finally(() => clearTimeout(timer));
  }

  #gone(): Promise<void> {
    if (this.#closed !== undefined) return Promise.resolve();
    return new Promise((resolve) => this.#socket.once('close', () => resolve()));
  }

  #receive(text: string, isBinary: boolean): void {
    this.largest = Math.max(this.largest, Buffer.byteLength(text));
    if (isBinary) this.wrong.push('a binary frame');
    const reading = readFrame(text);
    if (reading.kind === 'frame') this.received.push(reading.frame);
    if (reading.kind === 'wrong') this.wrong.push(reading.why);
    this.#waiters = this.#waiters.filter((waiter) => !waiter.look());
    // Whatever was asked is not answered then: no use to wait for it.
    if (reading.kind === 'frame' && isRateLimit(reading.frame))
      for (const waiter of this.#waiters.splice(0)) waiter.fail('the server limits the rate of frames');
  }
}

export interface WaitOptions {
  /** Named in the reason when it does not come. */
  what?: string;
  from?: number;
  patienceMs?: number;
}
