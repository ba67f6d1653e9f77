import type { RawData, WebSocket } from 'ws';
import { ENDS, endOf, endOfProtocolError } from './close-codes.ts';
import type { ConnectionEnd, ConnectionFacts } from './events.ts';
import { createFrameMeter } from './frame-limit.ts';
import { MAX_MESSAGES_IN_FLIGHT } from './limits.ts';
import type { GatewayLimits, Traffic } from './types.ts';

export type SendOutcome = 'sent' | 'gone' | 'buffer-full';

/** Called for each message in either direction. */
export type TrafficListener = (traffic: Traffic) => void;

/** Handles one text message. It must not throw. The connection keeps reading while it runs. */
export type MessageHandler = (connection: Connection, text: string) => Promise<void>;

/** An open connection, from the handshake to the end of its socket. */
export class Connection {
  readonly facts: ConnectionFacts;
  /** Resolves when the socket is closed, with the end that `$disconnect` receives. */
  readonly ended: Promise<ConnectionEnd>;
  /** Time of the last message in either direction, in milliseconds since the epoch. */
  lastActiveAt: number;

  readonly #socket: WebSocket;
  readonly #limits: GatewayLimits;
  readonly #onMessage: MessageHandler;
  readonly #onTraffic: TrafficListener;
  readonly #idle: NodeJS.Timeout;
  readonly #lifetime: NodeJS.Timeout;
  /** Why this side closed the connection. The first reason counts. */
  #ending: ConnectionEnd | undefined;
  #messages = 0;
  /** Messages from this position on are too late or too large, and are dropped. */
  #messagesTaken = Number.POSITIVE_INFINITY;
  #inFlight = 0;
  #isHalfOpen = false;

  constructor(
    socket: WebSocket,
    facts: ConnectionFacts,
    limits: GatewayLimits,
    { onMessage, onTraffic }: { onMessage: MessageHandler; onTraffic: TrafficListener },
  ) {
    this.facts = facts;
    this.lastActiveAt = facts.connectedAt;
    this.#socket = socket;
    this.#limits = limits;
    this.#onMessage = onMessage;
    this.#onTraffic = onTraffic;
    this.#idle = setTimeout(() => this.end(ENDS.goingAway), limits.idleMs);
    this.#lifetime = setTimeout(() => this.end(ENDS.goingAway), limits.lifetimeMs);

    const { promise, resolve } = Promise.withResolvers<ConnectionEnd>();
    this.ended = promise;
    socket.on('close', (code, reason) => {
      clearTimeout(this.#idle);
      clearTimeout(this.#lifetime);
      resolve(this.#ending ?? endOf(code, reason.toString()));
    });
    // `ws` has sent the close code already. This keeps the reason for `$disconnect`.
    socket.on('error', (error) => {
      this.#ending ??= endOfProtocolError(error);
    });
    socket.on('message', (data, isBinary) => this.#receive(data, isBinary));
  }

  get id(): string {
    return this.facts.connectionId;
  }

  /** False as soon as either side begins to close. From then on AWS answers `GoneException`. */
  get isOpen(): boolean {
    return this.#ending === undefined && this.#socket.readyState === this.#socket.OPEN;
  }

  /** True from `halfOpen` on. */
  get isHalfOpen(): boolean {
    return this.#isHalfOpen;
  }

  /**
   * The client vanishes without a word: nothing that it sends arrives any more, and this side does not notice. The
   * connection stays open until this side ends it.
   */
  halfOpen(): void {
    this.#isHalfOpen = true;
    this.#socket.pause();
  }

  /**
   * Must read the socket's bytes before `ws` does, so that it detects a frame that is too large before its message
   * arrives.
   */
  createByteWatcher(): (chunk: Buffer) => void {
    const meter = createFrameMeter(this.#limits);
    return (chunk) => {
      const refused = meter.read(chunk);
      if (refused !== undefined) this.end(ENDS.tooBig, refused);
    };
  }

  /** Sends one text message. The order of the calls is kept. */
  send(text: string): SendOutcome {
    if (!this.isOpen) return 'gone';
    if (this.#socket.bufferedAmount > this.#limits.sendBufferBytes) return 'buffer-full';
    // A failed write closes the socket, which `closed` reports.
    this.#socket.send(text);
    this.#onTraffic({ direction: 'out', bytes: Buffer.byteLength(text) });
    this.#touch();
    return 'sent';
  }

  /**
   * Begins the closing handshake. Messages from `firstDropped` on are not handled. By default these are all later
   * messages.
   */
  end(end: ConnectionEnd, firstDropped: number = this.#messages): void {
    if (!this.isOpen) return;
    this.#ending = end;
    this.#messagesTaken = firstDropped;
    if (this.#isHalfOpen) {
      // Nobody would answer a close frame.
      this.#socket.terminate();
      return;
    }
    // A paused socket would not read the client's close frame.
    this.#socket.resume();
    this.#socket.close(end.code, end.reason);
  }

  /** Destroys the socket without a closing handshake. */
  cut(): void {
    this.#messagesTaken = Math.min(this.#messagesTaken, this.#messages);
    this.#socket.terminate();
  }

  #receive(data: RawData, isBinary: boolean): void {
    const position = this.#messages;
    this.#messages += 1;
    if (position >= this.#messagesTaken) return;
    if (isBinary) {
      this.end(ENDS.binary);
      return;
    }
    this.#touch();
    this.#inFlight += 1;
    if (this.#inFlight === MAX_MESSAGES_IN_FLIGHT) this.#socket.pause();
    const text = data.toString();
    this.#onTraffic({ direction: 'in', bytes: Buffer.byteLength(text) });
    void this.#onMessage(this, text).finally(() => {
      this.#inFlight -= 1;
      if (this.#isHalfOpen) return;
      if (this.#socket.isPaused && this.#inFlight < MAX_MESSAGES_IN_FLIGHT) this.#socket.resume();
    });
  }

  /** Only messages count as activity: AWS documents no ping or pong that does. */
  #touch(): void {
    this.lastActiveAt = Date.now();
    this.#idle.refresh();
  }
}
