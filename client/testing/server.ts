import type { ClientFrame, Content, ErrorCode, FrameOf, MessageFrame, ServerFrame } from '../protocol.ts';
import type { Clock } from './clock.ts';
import { type FakeSocket, fakeSockets } from './socket.ts';
import { Story } from './story.ts';

export interface Channel {
  /** The delays in milliseconds after which the frame arrives, one for each copy. An empty list loses the frame. */
  carry(frame: ServerFrame | ClientFrame): number[];
}

const CALM: Channel = { carry: () => [1] };

/**
 * One session behind a channel that loses, repeats and reorders frames. It stores messages as the protocol demands. The
 * numbers of `random` decide how it answers.
 */
export class FakeServer {
  readonly story = new Story();
  readonly WebSocket: ReturnType<typeof fakeSockets>['WebSocket'];
  readonly sockets: FakeSocket[];
  channel: Channel = CALM;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #listeners = new Set<FakeSocket>();
  readonly #accepted = new Map<string, FrameOf<'accepted'>>();
  /** The `order` of each message on its lane, which a repeat keeps (P6). */
  readonly #orders = new Map<string, number>();
  /** The outcome of each message that is not pending any more. */
  readonly outcomes = new Map<string, 'applied' | 'cancelled' | 'rejected'>();
  /** Messages that were refused at least once, whatever happened to a repeat. */
  readonly refused = new Set<string>();
  #inbox: { id: string; content: Content; order: number }[] = [];
  #lanes = 0;
  #step = 0;
  #isAborting = false;
  readonly #inboxLimit: number;
  #posts = 0;
  #cutAfter: readonly number[] = [];

  constructor(clock: Clock, random: () => number, inboxLimit = 64) {
    this.#inboxLimit = inboxLimit;
    this.#clock = clock;
    this.#random = random;
    const { WebSocket, sockets } = fakeSockets((socket) => this.#meet(socket));
    this.WebSocket = WebSocket;
    this.sockets = sockets;
  }

  /** Cuts every connection right after the frames with these numbers, counted from 1 as they are posted. */
  cutAfterPosts(counts: readonly number[]): void {
    this.#cutAfter = counts;
  }

  cutAll(): void {
    for (const socket of [...this.sockets]) socket.cut();
  }

  #meet(socket: FakeSocket): void {
    this.#lanes += 1;
    const connection = { lane: `lane-${this.#lanes}` };
    socket.ongone = () => this.#listeners.delete(socket);
    socket.onsent = (frame) => {
      for (const delay of this.channel.carry(frame)) {
        this.#clock.after(delay, () => this.#receive(socket, connection, frame));
      }
    };
    this.#clock.after(1, () => socket.accept());
  }

  #post(socket: FakeSocket, frame: ServerFrame): void {
    this.#posts += 1;
    const isLast = this.#cutAfter.includes(this.#posts);
    for (const delay of this.channel.carry(frame)) this.#clock.after(delay, () => socket.deliver(frame));
    if (isLast) this.#clock.after(1, () => this.cutAll());
  }

  #receive(socket: FakeSocket, connection: { lane: string }, frame: ClientFrame): void {
    if (socket.readyState !== 1) return;
    switch (frame.type) {
      case 'connect': {
        connection.lane = frame.resume?.lane ?? connection.lane;
        this.#post(socket, this.story.sessionStart(connection.lane));
        this.#listeners.add(socket);
        const after = frame.resume?.after_seq;
        if (after !== undefined)
          for (const event of this.story.events.slice(after)) this.#post(socket, event);
        this.#post(socket, { type: 'connected', message: '' });
        return;
      }
      case 'message':
        this.#post(socket, this.#accept(frame));
        return;
      case 'history':
        this.#post(socket, this.story.page(frame));
        return;
      case 'cancel':
        this.#post(socket, this.#cancel(frame.id));
        return;
      case 'abort':
        this.#isAborting = this.story.turn?.id === frame.turn_id;
        return;
      case 'ping':
        this.#post(socket, { type: 'pong' });
        return;
      case 'approval_response':
      case 'tool_output':
    }
  }

  #accept(frame: MessageFrame): ServerFrame {
    const { id = 'none', content, order = 0 } = frame;
    const orderBefore = this.#orders.get(id) ?? order;
    if (order !== orderBefore) throw new Error(`${id} came as number ${orderBefore}, and now as ${order}.`);
    this.#orders.set(id, order);
    const known = this.#accepted.get(id);
    if (this.outcomes.get(id) === 'cancelled') return withdrawn(id);
    if (known) return { ...known, duplicate: true };
    // The refusal is not remembered: a repeat may find room.
    if (this.#inbox.length >= this.#inboxLimit) {
      this.outcomes.set(id, 'rejected');
      this.refused.add(id);
      return refused('STEERING_QUEUE_FULL', id);
    }
    this.outcomes.delete(id);
    this.#inbox.push({ id, content, order });
    const isFirst = !this.story.turn && this.#inbox.length === 1;
    const accepted: FrameOf<'accepted'> = {
      type: 'accepted',
      id,
      turn_id: this.story.turn?.id ?? 'next',
      placement: isFirst ? 'turn' : 'steering',
      position: this.#inbox.length - 1,
    };
    this.#accepted.set(id, accepted);
    if (isFirst) this.#later(() => this.#beginTurn());
    return accepted;
  }

  #cancel(id: string): ServerFrame {
    const isPending = this.#inbox.some((message) => message.id === id);
    if (isPending) {
      this.#inbox = this.#inbox.filter((message) => message.id !== id);
      this.outcomes.set(id, 'cancelled');
    }
    return this.outcomes.get(id) === 'cancelled' ? withdrawn(id) : refused('NOT_PENDING', id);
  }

  #later(run: () => void): void {
    this.#clock.after(Math.floor(this.#random() * 400), run);
  }

  #emit(tell: () => void): void {
    const before = this.story.events.length;
    tell();
    for (const event of this.story.events.slice(before)) {
      for (const socket of this.#listeners) this.#post(socket, event);
    }
  }

  #beginTurn(): void {
    if (this.story.turn || this.#inbox.length === 0) return;
    this.#step = 0;
    this.#isAborting = false;
    this.#emit(() => this.story.begin(this.#inbox.map(({ id }) => id)));
    this.#later(() => this.#boundary());
  }

  #boundary(): void {
    const messages = this.#inbox
      .sort((a, b) => a.order - b.order)
      .map(({ id, content }) => ({ id, content }));
    this.#inbox = [];
    this.#step += 1;
    for (const { id } of messages) this.outcomes.set(id, 'applied');
    if (messages.length > 0) this.#emit(() => this.story.takeIn(messages, this.#step));
    this.#later(() => this.#speak(Math.floor(this.#random() * 8)));
  }

  #speak(left: number): void {
    if (this.#isAborting) {
      this.#finish('aborted');
    } else if (left > 0) {
      this.#emit(() => (this.#random() < 0.1 ? this.story.think('hm') : this.story.say(`w${left} `)));
      this.#later(() => this.#speak(left - 1));
    } else if (this.#random() < 0.3) {
      const id = `c${this.story.events.length}`;
      this.#emit(() => this.story.call(id));
      this.#later(() => {
        this.#emit(() => this.story.result(id));
        this.#boundary();
      });
    } else if (this.#inbox.length > 0) {
      this.#boundary();
    } else {
      this.#finish(this.#random() < 0.1 ? 'error' : 'done');
    }
  }

  #finish(how: 'done' | 'aborted' | 'error'): void {
    this.#emit(() => this.story.end(how));
    if (this.#inbox.length > 0) this.#later(() => this.#beginTurn());
  }
}

const withdrawn = (id: string): ServerFrame => ({ type: 'cancelled', ids: [id], reason: 'withdrawn' });

const refused = (code: ErrorCode, id: string): ServerFrame => ({
  type: 'error',
  code,
  message: code,
  terminal: false,
  retryable: true,
  id,
});

/** A generator of numbers from 0 to below 1, determined by the seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
