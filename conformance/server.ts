import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { isEnd } from './frames.ts';
import { openPeer, type Peer, type PeerOptions, Refused } from './peer.ts';

/** The server under test, and how to reach it. */
export interface Target {
  /** `ws://…` or `wss://…` */
  url: string;
  token?: string | undefined;
  /** A token of another principal. */
  otherToken?: string | undefined;
  /** How long a frame is waited for, in milliseconds. */
  patienceMs: number;
}

export interface ConnectOptions {
  session?: string;
  name?: string;
  /** Subprotocols to ask for. */
  protocols?: readonly string[];
  /** Another token than the kit's own; an empty one for none. */
  token?: string;
  /** Where the token is put. */
  tokenIn?: 'header' | 'subprotocol' | 'query';
}

/** One connection, as the rules over everything see it. */
export interface Recording {
  rule: string;
  peer: Peer;
  /** The session that it was opened for; undefined when the server chose. */
  session: string | undefined;
}

/** The server as one rule sees it: every connection is recorded, and tidied up behind it. */
export class Server {
  readonly target: Target;
  readonly recordings: Recording[] = [];
  readonly #rule: string;

  constructor(target: Target, rule: string) {
    this.target = target;
    this.#rule = rule;
  }

  /** The id of a session that nobody has used. */
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
        ...(options.protocols ?? ['midturn.v1']),
        ...(token && tokenIn === 'subprotocol' ? [`bearer.${token}`] : []),
      ],
      headers: token && tokenIn === 'header' ? { Authorization: `Bearer ${token}` } : {},
      patienceMs: this.target.patienceMs,
    });
    this.recordings.push({ rule: this.#rule, peer, session });
    return peer;
  }

  /** Stops what the rule left running, so that it costs nobody anything, and closes every connection. */
  async tidy(): Promise<void> {
    const open = this.recordings.filter(({ peer }) => peer.isOpen);
    await Promise.all(open.map(({ peer }) => stopRunning(peer)));
    await Promise.all(open.map(({ peer }) => peer.close()));
  }
}

const TOO_MANY = 429;
/** Servers count connections by the minute. */
const RATE_TRIES = 8;
const RATE_PAUSE_MS = 10_000;

/** A server that limits how fast one may connect is waited for. */
async function openInTime(url: string, options: PeerOptions): Promise<Peer> {
  for (let tries = 1; ; tries++) {
    try {
      return await openPeer(url, options);
    } catch (error) {
      if (!(error instanceof Refused && error.status === TOO_MANY) || tries === RATE_TRIES) throw error;
      await sleep(RATE_PAUSE_MS);
    }
  }
}

const TIDY_MS = 2000;

async function stopRunning(peer: Peer): Promise<void> {
  const ends = new Set(peer.received.filter(isEnd).map(({ turn_id }) => turn_id));
  const greeting = peer.received.find((frame) => frame.type === 'session_start');
  const running = peer.events.at(-1)?.turn_id ?? greeting?.active_turn?.turn_id;
  if (running === undefined || ends.has(running)) return;
  peer.send({ type: 'abort', turn_id: running, pending: 'discard' });
  const over = peer.wait((frame) => isEnd(frame) && frame.turn_id === running, { patienceMs: TIDY_MS });
  // A server that does not stop has failed a rule of its own.
  await over.catch(() => {});
}
