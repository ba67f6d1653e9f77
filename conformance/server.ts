import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { HandshakeRefused } from '../protocol/waiting-client.ts';
import { isEnd } from './frames.ts';
import { openPeer, type Peer, type PeerOptions } from './peer.ts';

/** The server under test, and how to reach it. */
export interface Target {
  /** `ws://…` or `wss://…` */
  url: string;
  token?: string | undefined;
  /** A token of another principal. */
  otherToken?: string | undefined;
  /** How long to wait for a frame, in milliseconds. */
  timeoutMs: number;
}

export interface ConnectOptions {
  session?: string;
  name?: string;
  /** Subprotocols to offer: none but for the rules about them, so that no other rule depends on the server's choice. */
  protocols?: readonly string[];
  /** Replaces the kit's own token; empty for no token. */
  token?: string;
  /** Where the token is sent. */
  tokenIn?: 'header' | 'subprotocol' | 'encoded subprotocol' | 'query';
}

/** One connection, as watches see it. */
export interface Recording {
  rule: string;
  peer: Peer;
  /** The session that was asked for; undefined when the server generated one. */
  session: string | undefined;
}

/** The server as one scenario sees it. It records every connection, for watches and to close it afterwards. */
export class Server {
  readonly target: Target;
  readonly recordings: Recording[] = [];
  readonly #rule: string;

  constructor(target: Target, rule: string) {
    this.target = target;
    this.#rule = rule;
  }

  /** A session id that was not used before. */
  newSession(): string {
    return `conformance-${randomUUID()}`;
  }

  async connect(options: ConnectOptions = {}): Promise<Peer> {
    const { session, name, tokenIn = 'header', token = this.target.token ?? '' } = options;
    const url = new URL(this.target.url);
    if (session !== undefined) url.searchParams.set('session_id', session);
    if (name !== undefined) url.searchParams.set('name', name);
    if (token && tokenIn === 'query') url.searchParams.set('token', token);
    const peer = await openInTime(url.href, {
      protocols: [
        ...(options.protocols ?? []),
        ...(token && tokenIn === 'subprotocol' ? [`bearer.${token}`] : []),
        ...(token && tokenIn === 'encoded subprotocol'
          ? [`bearer64.${Buffer.from(token).toString('base64url')}`]
          : []),
      ],
      headers: token && tokenIn === 'header' ? { Authorization: `Bearer ${token}` } : {},
      timeoutMs: this.target.timeoutMs,
    });
    this.recordings.push({ rule: this.#rule, peer, session });
    return peer;
  }

  /** Aborts turns that still run, so that they cost nothing more, and closes every connection. */
  async tidy(): Promise<void> {
    const open = this.recordings.filter(({ peer }) => peer.isOpen);
    await Promise.all(open.map(({ peer }) => stopRunning(peer)));
    await Promise.all(open.map(({ peer }) => peer.close()));
  }
}

const TOO_MANY = 429;
/** A server counts connections per minute, so this many attempts with this pause span more than one window. */
const RATE_TRIES = 8;
const RATE_PAUSE_MS = 10_000;

/** Opens a connection. A server that refuses with 429 is tried again after a pause. */
async function openInTime(url: string, options: PeerOptions): Promise<Peer> {
  for (let tries = 1; ; tries++) {
    try {
      return await openPeer(url, options);
    } catch (error) {
      if (!(error instanceof HandshakeRefused && error.statusCode === TOO_MANY) || tries === RATE_TRIES)
        throw error;
      await sleep(RATE_PAUSE_MS);
    }
  }
}

const TIDY_MS = 2000;

async function stopRunning(peer: Peer): Promise<void> {
  const ends = new Set(peer.received.filter(isEnd).map(({ turn_id }) => turn_id));
  const start = peer.received.find((frame) => frame.type === 'session_start');
  const running = peer.events.at(-1)?.turn_id ?? start?.active_turn?.turn_id;
  if (running === undefined || ends.has(running)) return;
  peer.send({ type: 'abort', turn_id: running, pending: 'discard' });
  const over = peer.wait((frame) => isEnd(frame) && frame.turn_id === running, { timeoutMs: TIDY_MS });
  // Whether a server stops is checked by other rules (5.6.1).
  await over.catch(() => {});
}
