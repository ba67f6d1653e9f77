import { Alarm } from './alarm.ts';
import { base64url } from './base64url.ts';
import type { MidturnOptions } from './chat.ts';
import { ConnectionError, MidturnError } from './errors.ts';
import { type Link, openLink } from './link.ts';
import type { Platform } from './platform.ts';
import { type ClientFrame, type ConnectFrame, type ServerFrame, SUBPROTOCOL } from './protocol.ts';
import type { ConnectionState } from './state.ts';
import {
  ANSWER_WITHIN,
  ANSWER_WITHIN_ON_WAKE,
  HANDSHAKE_WITHIN,
  NEVER,
  PING_AFTER,
  RENEW_AGAIN,
  RENEW_BEFORE_EXPIRY,
  RENEW_BY,
  RENEW_FROM,
  retryDelay,
  SURPLUS_AWAY,
} from './timing.ts';

export interface ConnectionOwner {
  /** Makes the first frame of a connection. */
  connectFrame(): ConnectFrame;
  /** `opened`: present for the `session_start` that opens the connection, with the `after_seq` of the `connect` before it. */
  received(frame: ServerFrame, opened?: { afterSeq: number | undefined }): void;
  changed(state: ConnectionState): void;
  /** Whether a renewal should wait, because a turn runs. */
  busy(): boolean;
  failed(error: MidturnError): void;
  trace(direction: 'in' | 'out', text: string): void;
}

export interface Address extends Pick<MidturnOptions, 'url' | 'token' | 'name'> {
  sessionId: string;
}

/** A link and its state, from dialling on. */
interface Line {
  link: Link | undefined;
  dialledAt: number;
  /** The handshake succeeded. */
  opened: boolean;
  /** `session_start` was received: from now on this is the connection. */
  up: boolean;
  afterSeq: number | undefined;
  /** When a frame was last sent or received: API Gateway's idle limit counts from there. */
  movedAt: number;
  /** The time by which the server has to send a frame; after it, the connection counts as dead. */
  owedBy: number | undefined;
  /** When its token expires, as far as the server has said. */
  tokenEndsAt: number;
  released: boolean;
}

/** Frames that the server answers directly. An abort, an approval and an output are answered by an event of the turn. */
function isAnswered(frame: ClientFrame): boolean {
  return frame.type !== 'abort' && frame.type !== 'approval_response' && frame.type !== 'tool_output';
}

/**
 * Keeps a connection: dials, sends `connect`, detects a dead connection, dials again, and replaces the connection before
 * API Gateway ends it. It does not interpret frames; its owner does.
 */
export class Connection {
  readonly #owner: ConnectionOwner;
  readonly #platform: Platform;
  readonly #address: Address;
  readonly #alarm: Alarm;
  readonly #stopListening: () => void;
  #line: Line | undefined;
  /** Dialled to replace `#line`, which stays in use until this one is up. */
  #successor: Line | undefined;
  #retryAt: number | undefined;
  #renewNotBefore = 0;
  #attempt = 0;
  /** The server closes this connection in favour of newer ones of the session. */
  #isSurplus = false;
  /** Whether the next handshake without a token offers a subprotocol. */
  #offers = true;
  #closed = false;

  constructor(address: Address, platform: Platform, owner: ConnectionOwner) {
    this.#address = address;
    this.#platform = platform;
    this.#owner = owner;
    this.#alarm = new Alarm(platform, () => this.attend());
    this.#stopListening = platform.onWake(() => this.wake());
  }

  get isUp(): boolean {
    return this.#line?.up === true;
  }

  /** Dials, unless there is a connection already. */
  connect(): void {
    if (this.#closed || this.#line) return;
    this.#retryAt = undefined;
    this.#line = this.#dial();
    this.#owner.changed({ status: 'connecting' });
    this.attend();
  }

  /** Closes the connection until `connect` is called. */
  disconnect(): void {
    if (this.#closed) return;
    this.#releaseAll();
    this.#owner.changed({ status: 'offline' });
  }

  close(): void {
    if (this.#closed) return;
    this.#releaseAll();
    this.#closed = true;
    this.#stopListening();
    this.#owner.changed({ status: 'closed' });
  }

  /** Without a connection, nothing is sent. The owner keeps what has to be sent again. */
  send(frame: ClientFrame): void {
    const line = this.#line;
    if (line?.up && this.#sendOn(line, frame)) this.attend();
  }

  /** The server is about to close the connection, because its session has too many. It is dialled again when somebody is there. */
  giveWay(): void {
    this.#isSurplus = true;
  }

  /** The network may be back: dials at once, or checks with a `ping` that the connection is alive. */
  wake(): void {
    const line = this.#line;
    if (this.#retryAt !== undefined) {
      this.#retryAt = undefined;
      this.#attempt = 0;
      this.connect();
    } else if (line?.up && this.#sendOn(line, { type: 'ping' })) {
      line.owedBy = Math.min(line.owedBy ?? NEVER, this.#platform.now() + ANSWER_WITHIN_ON_WAKE);
      this.attend();
    }
  }

  /** Does what is due now, and sets the alarm for the next time that something is due. */
  attend(): void {
    if (this.#closed) return;
    const now = this.#platform.now();
    if (this.#retryAt !== undefined && this.#retryAt <= now) {
      this.#retryAt = undefined;
      this.connect();
      return;
    }
    for (const line of [this.#line, this.#successor]) {
      if (line?.owedBy !== undefined && line.owedBy <= now) {
        line.link?.release();
        this.#lose(line, new ConnectionError('CONNECTION_FAILED', 'The server does not answer.'));
        return;
      }
    }
    this.#keepAlive(now);
    this.#renew(now);
    const line = this.#line;
    this.#alarm.set(
      this.#retryAt,
      line?.owedBy,
      this.#successor?.owedBy,
      line?.up ? line.movedAt + PING_AFTER : undefined,
      line?.up && !this.#successor ? this.#renewAt(line) : undefined,
    );
  }

  #keepAlive(now: number): void {
    const line = this.#line;
    if (!line?.up || line.movedAt + PING_AFTER > now || this.#sendOn(line, { type: 'ping' })) return;
    // `send` failed: a socket can be closing for a long time before it reports the close.
    line.link?.release();
    this.#lose(line, new ConnectionError('CONNECTION_FAILED', 'The connection is closing.'));
  }

  #renew(now: number): void {
    const line = this.#line;
    if (!line?.up || this.#successor || this.#renewAt(line) > now) return;
    // A token that lasts for seconds does not have the connection renewed all the time.
    this.#renewNotBefore = now + RENEW_AGAIN;
    this.#successor = this.#dial();
  }

  #renewAt(line: Line): number {
    const byAge = line.dialledAt + (this.#owner.busy() ? RENEW_BY : RENEW_FROM);
    return Math.max(Math.min(byAge, line.tokenEndsAt - RENEW_BEFORE_EXPIRY), this.#renewNotBefore);
  }

  #dial(): Line {
    const now = this.#platform.now();
    const line: Line = {
      link: undefined,
      dialledAt: now,
      opened: false,
      up: false,
      afterSeq: undefined,
      movedAt: now,
      owedBy: now + HANDSHAKE_WITHIN,
      tokenEndsAt: NEVER,
      released: false,
    };
    const { token } = this.#address;
    // A function is called for every connection: an expired token may be the reason why the last one ended. Also without one, a socket that
    // cannot be made is lost when the line has its place.
    Promise.resolve()
      .then(() => (typeof token === 'function' ? token() : token))
      .then(
        (fresh) => this.#open(line, fresh),
        (cause) =>
          this.#lose(line, new ConnectionError('TOKEN_FAILED', 'The token function failed.', { cause })),
      );
    return line;
  }

  #open(line: Line, token: string | undefined): void {
    if (line.released) return;
    const { url, protocols } = handshake(this.#address, token, this.#offers);
    const { WebSocket } = this.#platform;
    try {
      line.link = openLink(() => new WebSocket(url, protocols), {
        opened: () => {
          line.opened = true;
          this.#sendConnect(line);
        },
        received: (frame) => this.#receive(line, frame),
        confused: (cause) =>
          this.#owner.failed(new MidturnError('BAD_FRAME', 'A frame could not be handled.', { cause })),
        lost: (reason) =>
          this.#lose(line, new ConnectionError('CONNECTION_FAILED', `The connection ${reason}.`)),
        trace: (direction, text) => this.#owner.trace(direction, text),
      });
    } catch (cause) {
      this.#lose(
        line,
        new ConnectionError('CONNECTION_FAILED', `${this.#address.url} cannot be dialled.`, { cause }),
      );
    }
  }

  #sendConnect(line: Line): void {
    const frame = this.#owner.connectFrame();
    line.afterSeq = frame.resume?.after_seq;
    this.#sendOn(line, frame);
  }

  #receive(line: Line, frame: ServerFrame): void {
    line.movedAt = this.#platform.now();
    this.#followToken(line, frame);
    if (line.up || frame.type !== 'session_start') {
      if (line.up) line.owedBy = undefined;
      this.#owner.received(frame);
    } else {
      this.#takeOver(line);
      this.#owner.received(frame, { afterSeq: line.afterSeq });
    }
    this.attend();
  }

  /** A token that is a text is the only one: a renewal would bring the same. */
  #followToken(line: Line, frame: ServerFrame): void {
    if (typeof this.#address.token !== 'function') return;
    if (frame.type === 'session_start' && frame.token_expires_in_ms !== undefined)
      line.tokenEndsAt = line.movedAt + frame.token_expires_in_ms;
    else if (frame.type === 'error' && frame.code === 'TOKEN_EXPIRED') line.tokenEndsAt = line.movedAt;
  }

  #takeOver(line: Line): void {
    line.up = true;
    this.#isSurplus = false;
    line.owedBy = undefined;
    this.#attempt = 0;
    if (line === this.#successor) {
      if (this.#line) this.#release(this.#line);
      this.#line = line;
      this.#successor = undefined;
    }
    this.#owner.changed({ status: 'online' });
  }

  #sendOn(line: Line, frame: ClientFrame): boolean {
    if (!line.link?.send(frame)) return false;
    line.movedAt = this.#platform.now();
    if (isAnswered(frame)) line.owedBy ??= line.movedAt + ANSWER_WITHIN;
    return true;
  }

  #lose(line: Line, error: ConnectionError): void {
    if (line.released) return;
    line.released = true;
    // A server that selects none of the offered subprotocols looks like one that refuses (RFC 6455, section 4.1).
    if (!line.opened) this.#offers = !this.#offers;
    const now = this.#platform.now();
    if (line === this.#successor) {
      this.#successor = undefined;
      this.#renewNotBefore = now + RENEW_AGAIN;
    } else if (this.#successor) {
      // The successor is being dialled already.
      this.#line = this.#successor;
      this.#successor = undefined;
      this.#owner.changed({ status: 'connecting' });
    } else {
      this.#line = undefined;
      this.#retryAt =
        now + (this.#isSurplus ? SURPLUS_AWAY : retryDelay(this.#attempt, this.#platform.random()));
      this.#isSurplus = false;
      this.#attempt += 1;
      this.#owner.changed({ status: 'waiting', retryAt: this.#retryAt, attempt: this.#attempt });
    }
    this.#owner.failed(error);
    this.attend();
  }

  #release(line: Line): void {
    line.released = true;
    line.link?.release();
  }

  #releaseAll(): void {
    for (const line of [this.#line, this.#successor]) if (line) this.#release(line);
    this.#line = undefined;
    this.#successor = undefined;
    this.#retryAt = undefined;
    this.#alarm.clear();
  }
}

/** The characters of a subprotocol (RFC 9110, token). */
const HEADER_SAFE = /^[\w!#$%&'*+.^`|~-]+$/;

/**
 * The token is sent as a subprotocol, because URLs end up in logs: encoded, if it has characters that no subprotocol can have
 * (`=` and `/` of base64, for example).
 * @param offers whether a subprotocol is offered where no token needs one
 */
function handshake({ url, sessionId, name }: Address, token: string | undefined, offers: boolean) {
  const query = [`session_id=${encodeURIComponent(sessionId)}`];
  if (name) query.push(`name=${encodeURIComponent(name)}`);
  const protocols: string[] = offers || token ? [SUBPROTOCOL] : [];
  if (token) protocols.push(HEADER_SAFE.test(token) ? `bearer.${token}` : `bearer64.${base64url(token)}`);
  return { url: `${url}${url.includes('?') ? '&' : '?'}${query.join('&')}`, protocols };
}
