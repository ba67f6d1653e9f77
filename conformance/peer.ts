import { WebSocket } from 'ws';
import type { ClientFrame } from '../protocol/client-frames.ts';
import type { EventFrame, ServerFrame } from '../protocol/server-frames.ts';
import { type FrameOf, type FrameType, isEvent, isRateLimit, readFrame } from './frames.ts';
import { Broken, brief } from './outcome.ts';

export interface PeerOptions {
  protocols: readonly string[];
  headers: Readonly<Record<string, string>>;
  /** How long to wait for a frame, in milliseconds. */
  timeoutMs: number;
}

/** The server answered the handshake with a status other than 101. */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly status: number;

  constructor(status: number) {
    super(`the handshake was refused with HTTP status ${status}`);
    this.status = status;
  }
}

export function openPeer(url: string, options: PeerOptions): Promise<Peer> {
  const { protocols, headers, timeoutMs } = options;
  const socket = new WebSocket(url, [...protocols], {
    headers: { ...headers },
    handshakeTimeout: timeoutMs,
  });
  // Listen before `open`: the first frames can arrive in the packet that ends the handshake.
  const peer = new Peer(socket, timeoutMs);
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

/** The kit's end of one connection. It keeps every received frame in order and waits for expected ones. */
export class Peer {
  /** Frames of the protocol, in the order of arrival. */
  readonly received: ServerFrame[] = [];
  /** For each received text that violates the protocol, why. */
  readonly wrong: string[] = [];
  /** Size of the largest received text, in bytes. */
  largest = 0;
  readonly #socket: WebSocket;
  readonly #timeoutMs: number;
  #waiters: Waiter[] = [];
  #closed: number | undefined;

  constructor(socket: WebSocket, timeoutMs: number) {
    this.#socket = socket;
    this.#timeoutMs = timeoutMs;
    socket.on('message', (data, isBinary) => this.#receive(data.toString(), isBinary));
    // `close` follows and fails every waiter.
    socket.on('error', () => {});
    socket.on('close', (code) => {
      this.#closed = code;
      for (const waiter of this.#waiters.splice(0)) waiter.fail(`the server closed with ${code}`);
    });
  }

  /** The subprotocol that the server selected; empty for none. */
  get protocol(): string {
    return this.#socket.protocol;
  }

  get events(): EventFrame[] {
    return this.received.filter(isEvent);
  }

  /** The highest `seq` that was received; 0 before the first. */
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
   * Resolves with the first frame of this type, or the first that matches, whether it was received already or arrives
   * later. Frames before the position `from` in `received` do not count.
   * @throws {Broken} when no such frame arrives in time, or the connection ends first.
   */
  wait<T extends FrameType>(wanted: T, options?: WaitOptions): Promise<FrameOf<T>>;
  wait<F extends ServerFrame>(wanted: (frame: ServerFrame) => frame is F, options?: WaitOptions): Promise<F>;
  wait(wanted: (frame: ServerFrame) => boolean, options?: WaitOptions): Promise<ServerFrame>;
  wait(
    wanted: FrameType | ((frame: ServerFrame) => boolean),
    { what, from = 0, timeoutMs = this.#timeoutMs }: WaitOptions = {},
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
          reject(new Broken(`${name} did not arrive: ${why}; the last frame was ${seen}`));
        },
      };
      const timer = setTimeout(() => {
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
        waiter.fail(`nothing within ${timeoutMs / 1000} s`);
      }, timeoutMs);
      if (waiter.look()) return;
      if (this.#closed === undefined) this.#waiters.push(waiter);
      else waiter.fail(`the connection was closed with ${this.#closed}`);
    });
  }

  /** Ends the connection without a closing handshake, as a lost network does. */
  cut(): Promise<void> {
    this.#socket.terminate();
    return this.#gone();
  }

  close(): Promise<void> {
    this.#socket.close();
    // A server that does not answer the closing handshake must not block the kit.
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
    // A frame that was refused for its rate gets no other answer, so nothing is waited for any more.
    if (reading.kind === 'frame' && isRateLimit(reading.frame))
      for (const waiter of this.#waiters.splice(0)) waiter.fail('the server limits the rate of frames');
  }
}

export interface WaitOptions {
  /** Names the expected frame in the reason of a failure. */
  what?: string;
  from?: number;
  timeoutMs?: number;
}
