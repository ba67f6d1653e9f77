import type { IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import type { ClientFrame } from './client-frames.ts';
import { shortened } from './text.ts';

/**
 * The client for programs that check a server: it keeps every received frame, and waits for expected ones. The tests, the
 * benches, the demo and the conformance kit use it. Applications use `client/`.
 */

export interface WaitingClientOptions<F> {
  protocols?: readonly string[];
  headers?: Readonly<Record<string, string>>;
  /** How long the handshake, and each wait that names no other time, may take, in milliseconds. */
  timeoutMs: number;
  /**
   * Makes a frame of a received message. A message for which it returns undefined is not kept. When it throws, the
   * connection is ended, and every wait fails and states the error.
   */
  read(text: string, isBinary: boolean): F | undefined;
}

export interface WaitOptions {
  timeoutMs?: number;
  /** What the error calls the expected frame. */
  what?: string;
}

export interface Closed {
  code: number;
  reason: string;
}

/** The server answered the handshake with a status other than 101. */
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

/** An expected frame did not come. The message lists all received frames. */
export class WaitFailed extends Error {
  override readonly name = 'WaitFailed';
  /** In a few words: `nothing within 20 s`. */
  readonly why: string;

  constructor(message: string, why: string) {
    super(message);
    this.why = why;
  }
}

/**
 * Opens a WebSocket.
 * @throws {HandshakeRefused}, or the socket's own error.
 */
export async function openWaitingClient<F extends { type?: string }>(
  url: string,
  options: WaitingClientOptions<F>,
): Promise<WaitingClient<F>> {
  const { protocols = [], headers = {}, timeoutMs } = options;
  const socket = new WebSocket(url, [...protocols], { headers: { ...headers }, handshakeTimeout: timeoutMs });
  // Listen before `open`: the first frames can arrive in the packet that ends the handshake.
  const client = new WaitingClient(socket, options);
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
    socket.once('unexpected-response', (_request, response) => {
      const chunks: Buffer[] = [];
      // A server that never ends its refusal must not hold the caller up.
      const timer = setTimeout(() => response.destroy(), timeoutMs);
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('close', () => {
        clearTimeout(timer);
        reject(new HandshakeRefused(response, Buffer.concat(chunks).toString()));
      });
    });
  });
  return client;
}

interface Waiter {
  what: string;
  /** Returns true once it has what it waits for. */
  attempt(): boolean;
  fail(error: WaitFailed): void;
}

type Predicate<F> = (frame: F) => boolean;
type TypeOf<F extends { type?: string }> = NonNullable<F['type']>;

/** One end of a WebSocket. */
export class WaitingClient<F extends { type?: string }> {
  /** Everything received so far, oldest first. */
  readonly frames: F[] = [];
  /** Settles with the code and the reason that the server sent; 1006 without a closing handshake. */
  readonly closed: Promise<Closed>;
  /** For what this class has no method for. */
  readonly socket: WebSocket;

  readonly #timeoutMs: number;
  #position = 0;
  #waiters: Waiter[] = [];
  #end: Closed | undefined;
  #lastError: Error | undefined;

  constructor(socket: WebSocket, { timeoutMs, read }: Pick<WaitingClientOptions<F>, 'timeoutMs' | 'read'>) {
    this.socket = socket;
    this.#timeoutMs = timeoutMs;
    socket.on('message', (data, isBinary) => {
      try {
        const frame = read(data.toString(), isBinary);
        if (frame !== undefined) this.frames.push(frame);
      } catch (error) {
        this.#lastError = error instanceof Error ? error : new Error(String(error));
        socket.terminate();
      }
      this.#settle();
    });
    // `close` follows every error of an open socket; the error explains it.
    socket.on('error', (error) => {
      this.#lastError = error;
    });
    this.closed = new Promise((resolve) => {
      socket.on('close', (code, reason) => {
        this.#end = { code, reason: reason.toString() };
        this.failWaits(this.#whyClosed(this.#end));
        resolve(this.#end);
      });
    });
  }

  /** The subprotocol that the server chose; empty for none. */
  get protocol(): string {
    return this.socket.protocol;
  }

  get isOpen(): boolean {
    return this.#end === undefined;
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

  /** Sends one message in WebSocket frames of at most `frameBytes` bytes each. */
  sendFragmented(text: string, frameBytes: number): void {
    const bytes = Buffer.from(text);
    for (let at = 0; at === 0 || at < bytes.length; at += frameBytes) {
      const isLast = at + frameBytes >= bytes.length;
      this.socket.send(bytes.subarray(at, at + frameBytes), { binary: false, fin: isLast });
    }
  }

  /**
   * The first matching frame after the one that the last `next` or `until` returned, received already or still to come. It
   * passes over frames in between, which stay in `frames`.
   * @throws {WaitFailed} when nothing comes in time, or the connection ends first.
   */
  next<T extends TypeOf<F>>(type: T, options?: WaitOptions): Promise<Extract<F, { type: T }>>;
  next<G extends F>(predicate: (frame: F) => frame is G, options?: WaitOptions): Promise<G>;
  next(predicate: Predicate<F>, options?: WaitOptions): Promise<F>;
  next(wanted: TypeOf<F> | Predicate<F>, options?: WaitOptions): Promise<F> {
    return this.#wait(`next ${nameOf(wanted)}`, options, () => {
      const at = this.#find(wanted, this.#position);
      if (at === undefined) return undefined;
      this.#position = at + 1;
      return this.frames[at];
    });
  }

  /**
   * The first matching frame of all, received already or still to come; frames before the index `from` in `frames` do not count.
   * The position of `next` stays.
   * @throws {WaitFailed} as `next`.
   */
  waitFor<T extends TypeOf<F>>(
    type: T,
    options?: WaitOptions & { from?: number },
  ): Promise<Extract<F, { type: T }>>;
  waitFor<G extends F>(
    predicate: (frame: F) => frame is G,
    options?: WaitOptions & { from?: number },
  ): Promise<G>;
  waitFor(predicate: Predicate<F>, options?: WaitOptions & { from?: number }): Promise<F>;
  waitFor(
    wanted: TypeOf<F> | Predicate<F>,
    { from = 0, ...options }: WaitOptions & { from?: number } = {},
  ): Promise<F> {
    return this.#wait(`any ${nameOf(wanted)}`, options, () => {
      const at = this.#find(wanted, from);
      return at === undefined ? undefined : this.frames[at];
    });
  }

  /**
   * All frames after the one that the last `next` or `until` returned, up to and including the first that matches.
   * @throws {WaitFailed} as `next`.
   */
  until(wanted: TypeOf<F> | Predicate<F>, options?: WaitOptions): Promise<F[]> {
    return this.#wait(`frames until ${nameOf(wanted)}`, options, () => {
      const from = this.#position;
      const at = this.#find(wanted, from);
      if (at === undefined) return undefined;
      this.#position = at + 1;
      return this.frames.slice(from, at + 1);
    });
  }

  /** Fails every wait that is going on. */
  failWaits(why: string): void {
    for (const waiter of this.#waiters.splice(0)) waiter.fail(this.#failure(waiter.what, why));
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

  #find(wanted: TypeOf<F> | Predicate<F>, from: number): number | undefined {
    const matches = typeof wanted === 'string' ? ({ type }: F) => type === wanted : wanted;
    const at = this.frames.findIndex((frame, position) => position >= from && matches(frame));
    return at < 0 ? undefined : at;
  }

  #wait<T>(
    name: string,
    { timeoutMs = this.#timeoutMs, what = name }: WaitOptions = {},
    take: () => T | undefined,
  ): Promise<T> {
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
        reject(this.#failure(what, `nothing within ${timeoutMs / 1000} s`));
      }, timeoutMs);
      // Earlier waiters first: of two `next` for the same frame, the one that asked first gets it.
      this.#waiters.push(waiter);
      this.#settle();
      if (this.#end !== undefined && this.#waiters.includes(waiter)) {
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
        waiter.fail(this.#failure(what, this.#whyClosed(this.#end)));
      }
    });
  }

  #settle(): void {
    this.#waiters = this.#waiters.filter((waiter) => !waiter.attempt());
  }

  #whyClosed({ code, reason }: Closed): string {
    const cause = this.#lastError === undefined ? '' : ` after "${this.#lastError.message}"`;
    return `the socket was closed with ${code}${reason && ` "${reason}"`}${cause}`;
  }

  #failure(what: string, why: string): WaitFailed {
    const received = this.frames.map(
      (frame, at) => `  ${at < this.#position ? ' ' : '*'} ${abbreviate(JSON.stringify(frame))}`,
    );
    return new WaitFailed(
      [
        `Waited for ${what}: ${why}.`,
        `${this.frames.length} frames received (* after the last one taken):`,
        ...received,
      ].join('\n'),
      why,
    );
  }
}

/** Reads a message as JSON, unchecked. @throws for other text, which no server of ours may send. */
export function parseFrame(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`received a frame that is not JSON: ${abbreviate(text)}`, { cause: error });
  }
}

function nameOf(wanted: unknown): string {
  return typeof wanted === 'string' ? `"${wanted}"` : `frame where ${String(wanted)}`;
}

function abbreviate(text: string): string {
  return text.length <= 200 ? text : `${shortened(text, 200)} (${text.length} characters)`;
}
