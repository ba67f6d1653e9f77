import type { IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import type { ClientFrame } from '../../protocol/client-frames.ts';
import type { ServerFrame } from '../../protocol/server-frames.ts';
import { WAIT_MS } from './timeouts.ts';

/** What API Gateway itself says when a function fails or no route fits. It has no `type`. */
interface GatewayNotice {
  type?: never;
  message: string;
  connectionId: string;
  requestId: string;
}

export type Received = ServerFrame | GatewayNotice;
export type FrameType = ServerFrame['type'];
export type FrameOf<T extends FrameType> = Extract<ServerFrame, { type: T }>;
type Predicate = (frame: Received) => boolean;

export interface ConnectOptions {
  headers?: Readonly<Record<string, string>>;
  protocols?: readonly string[];
}

export interface Closed {
  code: number;
  reason: string;
}

/** The server answered the handshake with something else than 101. */
export class HandshakeRefused extends Error {
  override readonly name = 'HandshakeRefused';
  readonly statusCode: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;

  constructor(response: IncomingMessage, body: string) {
    super(`the handshake was refused with ${response.statusCode}: ${body}`);
    this.statusCode = response.statusCode ?? 0;
    this.headers = response.headers;
    this.body = body;
  }
}

/** Opens a WebSocket. Throws `HandshakeRefused`, or the socket's own error. */
export async function connect(url: string, options: ConnectOptions = {}): Promise<WsClient> {
  const socket = new WebSocket(url, [...(options.protocols ?? [])], { headers: { ...options.headers } });
  // From the start: the first frames can come in the same packet as the handshake's answer.
  const client = new WsClient(socket);
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
    socket.once('unexpected-response', (_request, response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('close', () => reject(new HandshakeRefused(response, Buffer.concat(chunks).toString())));
    });
  });
  return client;
}

interface Waiter {
  what: string;
  /** Gives true once it has what it waits for. */
  attempt(): boolean;
  fail(error: Error): void;
}

/** A test's end of a WebSocket: sends what it is told to, keeps all that it receives. */
export class WsClient {
  /** Everything received so far, oldest first. */
  readonly frames: Received[] = [];
  /** Settles with the code and the reason that the server sent; 1006 without a closing handshake. */
  readonly closed: Promise<Closed>;
  /** For what this class has no word for. */
  readonly socket: WebSocket;

  #position = 0;
  #waiters: Waiter[] = [];
  #end: Closed | undefined;
  #lastError: Error | undefined;

  constructor(socket: WebSocket) {
    this.socket = socket;
    const { promise, resolve } = Promise.withResolvers<Closed>();
    this.closed = promise;
    socket.on('message', (data) => {
      const text = data.toString();
      try {
        this.frames.push(JSON.parse(text) as Received);
      } catch (error) {
        // No server of ours may send such a frame: every wait fails and says so.
        this.#lastError = new Error(`received a frame that is not JSON: ${abbreviate(text)}`, {
          cause: error,
        });
        socket.terminate();
      }
      this.#settle();
    });
    // `close` follows every error of an open socket; the error explains it.
    socket.on('error', (error) => {
      this.#lastError = error;
    });
    socket.on('close', (code, reason) => {
      this.#end = { code, reason: reason.toString() };
      for (const waiter of this.#waiters.splice(0))
        waiter.fail(this.#failure(waiter.what, 'the socket closed'));
      resolve(this.#end);
    });
  }

  /** The subprotocol that the server chose; empty for none. */
  get protocol(): string {
    return this.socket.protocol;
  }

  send(frame: ClientFrame): void {
    this.sendRaw(JSON.stringify(frame));
  }

  sendRaw(text: string): void {
    this.socket.send(text);
  }

  sendBinary(data: Uint8Array): void {
    this.socket.send(data, { binary: true });
  }

  /** Sends one message in frames of at most `frameBytes` bytes each. */
  sendFragmented(text: string, frameBytes: number): void {
    const bytes = Buffer.from(text);
    for (let at = 0; at === 0 || at < bytes.length; at += frameBytes) {
      const isLast = at + frameBytes >= bytes.length;
      this.socket.send(bytes.subarray(at, at + frameBytes), { binary: false, fin: isLast });
    }
  }

  /**
   * The first matching frame after the one that the last `next` or `until` gave, waiting for it if need be. Frames in
   * between are passed over and stay in `frames`.
   */
  next<T extends FrameType>(type: T, timeoutMs?: number): Promise<FrameOf<T>>;
  next<F extends Received>(predicate: (frame: Received) => frame is F, timeoutMs?: number): Promise<F>;
  next(predicate: Predicate, timeoutMs?: number): Promise<Received>;
  next(wanted: FrameType | Predicate, timeoutMs?: number): Promise<Received> {
    return this.#wait(`next ${nameOf(wanted)}`, timeoutMs, () => {
      const at = this.#find(wanted, this.#position);
      if (at === undefined) return undefined;
      this.#position = at + 1;
      return this.frames[at];
    });
  }

  /** The first matching frame of all, received already or still to come. Moves nothing. */
  waitFor<T extends FrameType>(type: T, timeoutMs?: number): Promise<FrameOf<T>>;
  waitFor<F extends Received>(predicate: (frame: Received) => frame is F, timeoutMs?: number): Promise<F>;
  waitFor(predicate: Predicate, timeoutMs?: number): Promise<Received>;
  waitFor(wanted: FrameType | Predicate, timeoutMs?: number): Promise<Received> {
    return this.#wait(`any ${nameOf(wanted)}`, timeoutMs, () => {
      const at = this.#find(wanted, 0);
      return at === undefined ? undefined : this.frames[at];
    });
  }

  /** All frames after the one that the last `next` or `until` gave, up to and with the first of this type. */
  until(wanted: FrameType | Predicate, timeoutMs?: number): Promise<Received[]> {
    return this.#wait(`frames until ${nameOf(wanted)}`, timeoutMs, () => {
      const from = this.#position;
      const at = this.#find(wanted, from);
      if (at === undefined) return undefined;
      this.#position = at + 1;
      return this.frames.slice(from, at + 1);
    });
  }

  /** Closes with a handshake. A browser's plain `close()` sends no code either. */
  close(code?: number, reason?: string): Promise<Closed> {
    this.socket.close(code, reason);
    return this.closed;
  }

  /** Drops the connection without a handshake, as a lost network does. */
  terminate(): Promise<Closed> {
    this.socket.terminate();
    return this.closed;
  }

  #find(wanted: FrameType | Predicate, from: number): number | undefined {
    const matches = typeof wanted === 'string' ? ({ type }: Received) => type === wanted : wanted;
    const at = this.frames.findIndex((frame, position) => position >= from && matches(frame));
    return at < 0 ? undefined : at;
  }

  #wait<T>(what: string, timeoutMs = WAIT_MS, take: () => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        what,
        attempt: () => {
          const taken = take();
          if (taken === undefined) return false;
          clearTimeout(timer);
          resolve(taken);
          return true;
        },
        fail: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      };
      const timer = setTimeout(() => {
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
        reject(this.#failure(what, `nothing within ${timeoutMs} ms`));
      }, timeoutMs);
      // Earlier waiters first: of two `next` for the same frame, the one that asked first gets it.
      this.#waiters.push(waiter);
      this.#settle();
      if (this.#end !== undefined && this.#waiters.includes(waiter)) {
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
        waiter.fail(this.#failure(what, 'the socket closed'));
      }
    });
  }

  #settle(): void {
    this.#waiters = this.#waiters.filter((waiter) => !waiter.attempt());
  }

  #failure(what: string, why: string): Error {
    const state = this.#end === undefined ? 'open' : `closed with ${this.#end.code} "${this.#end.reason}"`;
    const cause = this.#lastError === undefined ? '' : ` after "${this.#lastError.message}"`;
    const received = this.frames.map(
      (frame, at) => `  ${at < this.#position ? ' ' : '*'} ${abbreviate(JSON.stringify(frame))}`,
    );
    return new Error(
      [
        `Waited for ${what}: ${why}. The socket is ${state}${cause}.`,
        `${this.frames.length} frames received (* after the last one taken):`,
        ...received,
      ].join('\n'),
    );
  }
}

function nameOf(wanted: FrameType | Predicate): string {
  return typeof wanted === 'string' ? `"${wanted}"` : `frame where ${wanted.toString()}`;
}

function abbreviate(text: string): string {
  return text.length <= 200 ? text : `${text.slice(0, 200)}… (${text.length} characters)`;
}
