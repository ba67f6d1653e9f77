import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { type Chat, type EventFrame as ClientEvent, createMidturn } from '../../client/index.ts';
import type { ClientFrame, MessageFrame } from '../../protocol/client-frames.ts';
import type { EventFrame, ServerFrame } from '../../protocol/server-frames.ts';
import type { Sent } from '../simulation/device.ts';
import type { Witness } from '../simulation/evidence.ts';
import type { Random } from '../simulation/random.ts';
import type { ChaosSession } from './session.ts';
import type { Tally } from './tally.ts';

/** Errors that are no outcome of the message. */
const NO_FATE = new Set(['NOT_PENDING', 'INTERNAL', 'RATE_LIMITED']);

/**
 * More than the inbox takes, so that messages are refused. Without a limit, people on a machine that cannot keep up would write ever
 * more, their clients would repeat all of it, and it would never recover.
 */
const MOST_PENDING = 12;

/** A user with the product's own client, and a record of every frame on its connections. */
export class Person implements Witness {
  readonly name: string;
  readonly session: ChaosSession;
  readonly chat: Chat;
  readonly sent = new Map<string, Sent>();
  readonly seen = new Map<number, EventFrame>();
  /** The turn that each message was accepted on. */
  readonly acceptedOn = new Map<string, string>();
  /** Turns that it requested to abort. */
  readonly aborts = new Set<string>();
  /** Violations that it saw. */
  readonly broken: [promise: string, why: string][] = [];
  /** The events that the client gave its user, each once and in order. */
  readonly stream: ClientEvent[] = [];
  lane: string | undefined;
  base: number | undefined;
  /** Frames received a second time: repeated events, and answers to repeated messages. */
  repeatedEvents = 0;
  duplicates = 0;
  frames = 0;
  connections = 0;
  readonly #random: Random;
  readonly #tally: Tally;
  readonly #sockets = new Set<WebSocket>();
  #count = 0;
  #nextId: string | undefined;

  constructor(url: string, session: ChaosSession, name: string, random: Random, tally: Tally) {
    this.session = session;
    this.name = `${session.label}.${name}`;
    this.#random = random;
    this.#tally = tally;
    const sockets = this.#sockets;
    const opened = () => this.connections++;
    class Socket extends WebSocket {
      constructor(address: string, protocols?: string[]) {
        super(address, protocols);
        sockets.add(this);
        this.on('open', opened);
        this.on('close', () => sockets.delete(this));
      }
    }
    this.chat = createMidturn({
      url,
      token: session.token,
      sessionId: session.sessionId,
      WebSocket: Socket,
      platform: { newId: () => this.#nextId ?? `${this.name}.x${++this.#count}` },
      onFrame: (direction, text) => {
        if (direction === 'out') this.#sends(JSON.parse(text) as ClientFrame);
        else this.#receives(JSON.parse(text) as ServerFrame | { type?: never });
      },
    });
    void this.#listen();
  }

  get online(): boolean {
    return this.chat.transcript.getSnapshot().connection.status === 'online';
  }

  get contiguous(): number {
    let last = this.base ?? 0;
    while (this.seen.has(last + 1)) last++;
    return last;
  }

  /** No message of its own is pending, and no turn runs. */
  get atRest(): boolean {
    return this.restless === undefined;
  }

  /** Why it is not at rest. Undefined: it is. */
  get restless(): string | undefined {
    const { connection, pending, activeTurn } = this.chat.transcript.getSnapshot();
    if (connection.status !== 'online') return `is ${connection.status}`;
    const [first] = pending;
    if (first)
      return `has ${pending.length} pending messages, the first is ${first.id} (${first.state.status})`;
    return activeTurn && `sees turn ${activeTurn.turnId} run`;
  }

  send(delivery: NonNullable<MessageFrame['delivery']> = 'steer', id?: string): void {
    this.#nextId = id ?? `${this.name}.m${++this.#count}`;
    this.chat.send(`content of ${this.#nextId}`, { delivery });
    this.#nextId = undefined;
  }

  /** Does one random act of a user, or none: who has a dozen messages without an answer writes no more until there is one. */
  async act(): Promise<void> {
    const random = this.#random;
    const roll = random.next();
    if (roll < 0.62 && this.chat.transcript.getSnapshot().pending.length >= MOST_PENDING) return;
    if (roll < 0.62) {
      for (let burst = random.pick(1, 1, 1, 2, 3); burst > 0; burst--) {
        this.send(random.pick('steer', 'steer', 'steer', 'queue', 'now'));
      }
    } else if (roll < 0.72) {
      const last = this.chat.transcript.getSnapshot().pending.at(-1);
      if (!last) return;
      this.#tally.add('messages withdrawn');
      this.chat.cancel(last.id);
    } else if (roll < 0.8) {
      if (!this.chat.transcript.getSnapshot().activeTurn) return;
      this.#tally.add('turns aborted');
      this.chat.abort({ pending: random.pick('keep', 'discard') });
    } else if (roll < 0.84) {
      // Not awaited: a person scrolls and goes on. Without a connection it would wait for the next one.
      void this.chat.history().catch(() => false);
    } else if (roll < 0.88) {
      this.#tally.add('connections left and made again');
      this.chat.disconnect();
      await sleep(random.int(0, 2000));
      this.chat.connect();
    }
  }

  /** Cuts its network, without a closing handshake. @returns whether there was a connection */
  cut(): boolean {
    const open = [...this.#sockets].filter((socket) => socket.readyState === WebSocket.OPEN);
    for (const socket of open) socket.terminate();
    return open.length > 0;
  }

  async #listen(): Promise<void> {
    try {
      for await (const event of this.chat.events()) this.stream.push(event);
    } catch (error) {
      if ((error as { code?: string }).code === 'CLOSED') return;
      this.broken.push(['P9', `${this.name}: the client broke off its stream: ${String(error)}`]);
    }
  }

  #sends(frame: ClientFrame): void {
    if (frame.type === 'abort' && frame.turn_id) this.aborts.add(frame.turn_id);
    if (frame.type !== 'message' || !frame.id) return;
    const now = Date.now();
    const known = this.sent.get(frame.id);
    if (known) {
      known.at = now;
      this.#tally.add('messages sent again');
      return;
    }
    this.sent.set(frame.id, {
      id: frame.id,
      content: frame.content,
      lane: this.lane,
      connection: undefined,
      sentAt: now,
      at: now,
      delivery: frame.delivery ?? 'steer',
    });
  }

  #receives(frame: ServerFrame | { type?: never }): void {
    this.frames++;
    // API Gateway's own frame when a function failed. No promise concerns it.
    if (frame.type === undefined) {
      this.#tally.add('frames answered by the gateway alone');
      return;
    }
    if ('seq' in frame) {
      this.#sees(frame);
      return;
    }
    switch (frame.type) {
      case 'session_start': {
        const { last_seq, active_turn, lane } = frame;
        this.base ??= active_turn ? Math.min(active_turn.first_seq - 1, last_seq) : last_seq;
        if (this.lane !== undefined && this.lane !== lane) {
          for (const message of this.sent.values()) {
            if (message.acknowledgedAt === undefined) message.forgotten = true;
          }
        }
        this.lane = lane;
        break;
      }
      case 'accepted': {
        const message = this.sent.get(frame.id);
        if (frame.duplicate) this.duplicates++;
        if (!message || message.acknowledgedAt !== undefined) break;
        message.acknowledgedAt = Date.now();
        if (frame.placement !== 'queued') this.acceptedOn.set(frame.id, frame.turn_id);
        message.placement = frame.duplicate ? 'duplicate' : frame.placement;
        break;
      }
      case 'cancelled':
        for (const id of frame.ids) this.#outcome(id, 'cancelled');
        break;
      case 'history_gap':
        this.broken.push(['P9', `${this.name} was told of a gap: ${JSON.stringify(frame)}`]);
        break;
      case 'error':
        if (frame.id !== undefined && !NO_FATE.has(frame.code)) this.#outcome(frame.id, frame.code);
    }
  }

  #sees(frame: EventFrame): void {
    const known = this.seen.get(frame.seq);
    if (known) {
      this.repeatedEvents++;
      if (JSON.stringify(known) !== JSON.stringify(frame)) {
        this.broken.push(['P3', `${this.name} was shown two versions of event ${frame.seq}`]);
      }
    }
    this.seen.set(frame.seq, frame);
  }

  #outcome(id: string, outcome: string): void {
    const message = this.sent.get(id);
    if (message) message.outcome ??= outcome;
  }
}
