import { Alarm } from './alarm.ts';
import { Connection } from './connection.ts';
import { contentBytes, DEFAULT_CONTENT_BYTES } from './content.ts';
import {
  ClosedError,
  ContentError,
  MessageCancelledError,
  MessageRejectedError,
  MidturnError,
  ServerReplyError,
} from './errors.ts';
import { EventLog } from './event-log.ts';
import { Outbox } from './outbox.ts';
import { hostPlatform, type Platform, type SocketConstructor } from './platform.ts';
import {
  type AbortFrame,
  type ApprovalResponseFrame,
  type ConnectFrame,
  type EventFrame,
  type FrameOf,
  isEvent,
  type MessageFrame,
  type ServerFrame,
} from './protocol.ts';
import { type Input, isTransient, reduce } from './reduce.ts';
import {
  type ChatState,
  initialState,
  isBehind,
  isPending,
  type MessageState,
  type State,
  type UserItem,
} from './state.ts';
import { memoryStorage, type OutboxStorage } from './storage.ts';
import {
  doubling,
  PROBE_AFTER,
  PROBE_AT_MOST,
  REPEAT_AFTER,
  RESUME_AGAIN,
  RESUME_AT_MOST,
} from './timing.ts';

export interface MidturnOptions {
  /** `wss://…/stage`. Further query parameters are kept. */
  url: string;
  /** A function is asked again for every connection. */
  token?: string | (() => string | Promise<string>);
  /** Without it, a new session. 1 to 64 visible ASCII characters. */
  sessionId?: string;
  /** The session's name, for lists of sessions. */
  name?: string;
  deviceName?: string;
  /** Where unsent and unanswered messages outlive this object. Default: memory. */
  storage?: OutboxStorage;
  /** Entries in a page of history, 1 to 200. Default: 50. */
  historyPage?: number;
  /** Trouble that the client deals with itself, or that has no other place to go. Default: ignored. */
  onError?: (error: MidturnError) => void;
  /** Every frame as it went over the wire. */
  onFrame?: (direction: 'in' | 'out', text: string) => void;
  /** Default: the host's own. */
  WebSocket?: SocketConstructor;
  /** Clock, timers, randomness: for tests and for hosts that lack some of them. */
  platform?: Partial<Omit<Platform, 'WebSocket'>>;
}

export interface SendOptions {
  /**
   * `steer` (default): into the running turn, at its next model call. `queue`: a turn of its own, after the running
   * one. `now`: the running model call is cut, what it said is kept, and the turn goes on with this message.
   */
  delivery?: NonNullable<MessageFrame['delivery']>;
}

/** A message on its way. */
export interface SentMessage {
  readonly id: string;
  readonly state: MessageState;
  /** Resolves once the message is `applied`, `cancelled` or `rejected`; never rejects but with `ClosedError`. */
  readonly settled: Promise<MessageState>;
  /**
   * The answer: events of the turn that takes this message in, from there to the turn's end. Throws
   * `TurnFailedError`, `MessageRejectedError`, `MessageCancelledError` or `ClosedError`.
   */
  events(): AsyncIterable<EventFrame>;
}

export interface Transcript {
  /** Calls `listener` after every change; returns how to stop. */
  subscribe(listener: () => void): () => void;
  /** The same object until something changes. */
  getSnapshot(): ChatState;
}

export interface Chat {
  readonly sessionId: string;
  readonly transcript: Transcript;
  /** Throws `ContentError` for blank or oversized content; everything later is the message's state. */
  send(content: string, options?: SendOptions): SentMessage;
  /** Every event from now on, of all turns and all devices, each once and in order. */
  events(): AsyncIterable<EventFrame>;
  /** Stops the running turn. What it said stands. */
  abort(options?: Pick<AbortFrame, 'pending'>): void;
  /** Withdraws a message that is not taken in yet. The message's state tells whether that was in time. */
  cancel(id: string): void;
  /** Takes a cancelled or rejected message out of the view. */
  dismiss(id: string): void;
  approve(requestId: string, decision: ApprovalResponseFrame['decision']): void;
  /** Loads the next older page; resolves to whether there is another one beyond. */
  history(): Promise<boolean>;
  /** Drops the connection and stays away, until `connect`. The outbox waits. */
  disconnect(): void;
  connect(): void;
  close(): void;
}

/** Connects to a session, and stays connected until `close`. */
export function createMidturn(options: MidturnOptions): Chat {
  const WebSocket = options.WebSocket ?? (globalThis.WebSocket as SocketConstructor | undefined);
  if (!WebSocket) throw new TypeError('There is no WebSocket here: pass one as options.WebSocket.');
  return new MidturnChat(options, { ...hostPlatform(), ...options.platform, WebSocket });
}

interface Waiter {
  state: MessageState;
  settled: PromiseWithResolvers<MessageState>;
}

class MidturnChat implements Chat {
  readonly #options: MidturnOptions;
  readonly #platform: Platform;
  readonly #connection: Connection;
  readonly #outbox: Outbox;
  readonly #alarm: Alarm;
  readonly #log = new EventLog();
  readonly #listeners = new Set<() => void>();
  readonly #waiters = new Map<string, Waiter>();
  #state: State;
  #pageRequest: { dueAt: number; attempts: number; done: PromiseWithResolvers<boolean> } | undefined;
  #abort: AbortFrame | undefined;
  /** Not before this is a missing event asked for again. */
  #resumeAt = 0;
  #resumes = 0;
  #resumedFrom: number | undefined;
  #heardAt = 0;
  #probedAt = 0;
  #probes = 0;
  #closed = false;

  readonly transcript: Transcript = {
    subscribe: (listener) => {
      this.#listeners.add(listener);
      return () => this.#listeners.delete(listener);
    },
    getSnapshot: () => this.#state,
  };

  constructor(options: MidturnOptions, platform: Platform) {
    this.#options = options;
    this.#platform = platform;
    const sessionId = options.sessionId ?? platform.newId();
    this.#state = initialState(sessionId);
    this.#alarm = new Alarm(platform, () => this.#attend());
    this.#outbox = new Outbox(options.storage ?? memoryStorage(), `midturn:${sessionId}`, (cause) =>
      this.#fail(new MidturnError('STORAGE_FAILED', 'The outbox could not be read or written.', { cause })),
    );
    const { url, token, name } = options;
    this.#connection = new Connection({ url, sessionId, token, name }, platform, {
      greeting: () => this.#greeting(),
      received: (frame, greeted) => this.#receive(frame, greeted),
      changed: (connection) => this.#dispatch({ type: 'connection', connection }),
      busy: () => this.#state.activeTurn !== undefined,
      failed: (error) => this.#fail(error),
      trace: (direction, text) => options.onFrame?.(direction, text),
    });
    this.#outbox.load().then((drafts) => {
      if (this.#closed) return;
      if (drafts.length > 0) this.#dispatch({ type: 'restored', drafts });
      if (this.#state.connection.status !== 'offline') this.#connection.connect();
    });
  }

  get sessionId(): string {
    return this.#state.sessionId;
  }

  send(content: string, { delivery = 'steer' }: SendOptions = {}): SentMessage {
    if (this.#closed) throw new ClosedError();
    if (content.trim() === '') throw new ContentError('EMPTY_CONTENT', 'There is nothing to send.');
    const limit = this.#state.limits?.content_bytes ?? DEFAULT_CONTENT_BYTES;
    if (contentBytes(content) > limit) {
      throw new ContentError('MESSAGE_TOO_LARGE', `The message is over ${limit} bytes.`);
    }
    const draft = { id: this.#platform.newId(), content, delivery };
    const waiter: Waiter = { state: { status: 'sending' }, settled: Promise.withResolvers() };
    // Whoever does not look at it shall not be troubled by an unhandled rejection.
    waiter.settled.promise.catch(() => {});
    this.#waiters.set(draft.id, waiter);
    this.#outbox.add(draft);
    this.#dispatch({ type: 'written', draft });
    this.#attend();
    return {
      id: draft.id,
      get state() {
        return waiter.state;
      },
      settled: waiter.settled.promise,
      events: () => this.#log.ofMessage(draft.id, waiter.settled.promise.then(throwIfRefused)),
    };
  }

  events(): AsyncIterable<EventFrame> {
    return this.#log.all();
  }

  abort({ pending }: Pick<AbortFrame, 'pending'> = {}): void {
    const { activeTurn } = this.#state;
    if (!activeTurn) return;
    this.#abort = { type: 'abort', turn_id: activeTurn.turnId, ...(pending ? { pending } : {}) };
    this.#dispatch({ type: 'stop_asked' });
    this.#connection.send(this.#abort);
  }

  cancel(id: string): void {
    this.#dispatch({ type: 'withdrawn', id, unsent: !this.#outbox.wasSent(id) });
    const item = this.#state.pending.find((pending) => pending.id === id);
    // A message not yet acknowledged may still be overtaken by its own withdrawal, which would then find nothing.
    if (item && item.state.status !== 'sending') this.#connection.send({ type: 'cancel', id });
  }

  dismiss(id: string): void {
    this.#dispatch({ type: 'dismissed', id });
  }

  approve(requestId: string, decision: ApprovalResponseFrame['decision']): void {
    const frame: ApprovalResponseFrame = { type: 'approval_response', request_id: requestId, decision };
    if (this.#connection.send(frame)) {
      this.#dispatch({ type: 'approval_answered', requestId, decision });
    }
  }

  history(): Promise<boolean> {
    if (this.#closed) return Promise.reject(new ClosedError());
    if (this.#state.history.status === 'loaded' && !this.#state.history.more) return Promise.resolve(false);
    return this.#askPage();
  }

  disconnect(): void {
    this.#connection.disconnect();
  }

  connect(): void {
    this.#connection.connect();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#connection.close();
    this.#alarm.clear();
    this.#log.close();
    this.#pageRequest?.done.reject(new ClosedError());
    for (const { settled } of this.#waiters.values()) settled.reject(new ClosedError());
    this.#waiters.clear();
  }

  #greeting(): ConnectFrame {
    const { cursor } = this.#state;
    const { lane } = this.#outbox;
    const resume = {
      ...(lane === undefined ? {} : { lane }),
      ...(cursor === undefined ? {} : { after_seq: cursor }),
    };
    const { deviceName } = this.#options;
    this.#expectReplay();
    return {
      type: 'connect',
      session_id: this.sessionId,
      ...(deviceName ? { device_name: deviceName } : {}),
      ...(Object.keys(resume).length > 0 ? { resume } : {}),
    };
  }

  #receive(frame: ServerFrame, greeted?: { afterSeq: number | undefined }): void {
    this.#heardAt = this.#platform.now();
    if (greeted && frame.type === 'session_start') this.#beginConnection(frame, greeted.afterSeq);
    this.#dispatch({ type: 'frame', frame });
    if (isEvent(frame)) {
      this.#probes = 0;
      this.#forgetAbort();
    } else if (frame.type === 'connected') {
      this.#replayEnded();
    } else if (frame.type === 'accepted') {
      const item = this.#state.pending.find(({ id, withdrawing }) => id === frame.id && withdrawing);
      if (item) this.#connection.send({ type: 'cancel', id: item.id });
    } else if (frame.type === 'history') {
      this.#pageCame();
    } else if (frame.type === 'error') {
      this.#receiveError(frame);
    }
    this.#attend();
  }

  #beginConnection(frame: FrameOf<'session_start'>, afterSeq: number | undefined): void {
    // The server read its own position after it was told ours: a lower one is another session's under the same name.
    if (afterSeq !== undefined && frame.last_seq < afterSeq) {
      this.#log.breakOff();
      this.#dispatch({ type: 'session_lost' });
      this.#resumeAt = 0;
    }
    if (this.#state.cursor === undefined) this.#resumeAt = 0;
    const lost = this.#outbox.adoptLane(frame.lane);
    if (lost.size > 0) this.#dispatch({ type: 'lane_lost', ids: lost });
    for (const { id, withdrawing, state } of this.#state.pending) {
      if (withdrawing && state.status !== 'sending') this.#connection.send({ type: 'cancel', id });
    }
    if (this.#abort) this.#connection.send(this.#abort);
    if (this.#pageRequest) this.#pageRequest.dueAt = 0;
    this.#probes = 0;
  }

  #receiveError(frame: FrameOf<'error'>): void {
    if (frame.terminal) return;
    if (frame.code === 'NO_ACTIVE_TURN') {
      this.#abort = undefined;
    } else if (frame.id === undefined) {
      this.#fail(new ServerReplyError(frame));
    } else if (isTransient(frame.code) && frame.retry_after_ms !== undefined) {
      this.#outbox.postpone(frame.id, this.#platform.now() + frame.retry_after_ms);
    }
    if (frame.code === 'SESSION_DELETED' && frame.id === undefined) this.close();
  }

  #forgetAbort(): void {
    if (this.#abort && this.#state.activeTurn?.turnId !== this.#abort.turn_id) this.#abort = undefined;
  }

  /** Does what is due, and sets the alarm for what will be. */
  #attend(): void {
    if (this.#closed) return;
    this.#connection.attend();
    if (!this.#connection.isUp) {
      this.#alarm.clear();
      return;
    }
    const now = this.#platform.now();
    for (const frame of this.#outbox.takeDue(now)) this.#connection.send(frame);
    const { history } = this.#state;
    if (history.status === 'unloaded') this.#askPage().catch(() => {});
    this.#sendPageRequest(now);
    const behind = isBehind(this.#state);
    if (behind && this.#resumeAt <= now) this.#connection.send(this.#greeting());
    if (!behind) this.#resumes = 0;
    const probeAt = this.#probeAt();
    if (probeAt !== undefined && probeAt <= now) {
      this.#probes += 1;
      this.#probedAt = now;
      this.#connection.send(this.#greeting());
    }
    this.#alarm.set(
      this.#outbox.nextDue,
      this.#pageRequest?.dueAt,
      behind ? this.#resumeAt : undefined,
      this.#probeAt(),
    );
  }

  /** Set while a turn runs or a message waits for one: silence may then mean that its events were lost. */
  #probeAt(): number | undefined {
    const { activeTurn, pending } = this.#state;
    if (!activeTurn && pending.length === 0) return undefined;
    return Math.max(this.#heardAt, this.#probedAt) + doubling(PROBE_AFTER, this.#probes, PROBE_AT_MOST);
  }

  #expectReplay(): void {
    const { cursor } = this.#state;
    this.#resumes = cursor === this.#resumedFrom ? this.#resumes + 1 : 0;
    this.#resumedFrom = cursor;
    this.#resumeAt = this.#platform.now() + doubling(RESUME_AGAIN, this.#resumes, RESUME_AT_MOST);
  }

  /** What is still missing was lost on the way: asked for again at once, unless that has just brought nothing. */
  #replayEnded(): void {
    if (this.#state.cursor !== this.#resumedFrom) this.#resumeAt = 0;
  }

  #askPage(): Promise<boolean> {
    if (!this.#pageRequest) {
      this.#pageRequest = { dueAt: 0, attempts: 0, done: Promise.withResolvers() };
      this.#pageRequest.done.promise.catch(() => {});
      this.#dispatch({ type: 'history_asked' });
      if (this.#connection.isUp) this.#sendPageRequest(this.#platform.now());
    }
    return this.#pageRequest.done.promise;
  }

  #sendPageRequest(now: number): void {
    const request = this.#pageRequest;
    if (!request || request.dueAt > now) return;
    const before = this.#state.pastNext;
    const { historyPage = 50 } = this.#options;
    request.dueAt = now + doubling(REPEAT_AFTER, request.attempts++, RESUME_AT_MOST);
    this.#connection.send({ type: 'history', limit: historyPage, ...(before ? { before } : {}) });
  }

  #pageCame(): void {
    const request = this.#pageRequest;
    if (!request) return;
    this.#pageRequest = undefined;
    const { history, past } = this.#state;
    // A page of nothing but the running turn, which its events tell, shows nothing: the reader wants the one before.
    if (history.more && past.length === 0) this.#askPage().then(request.done.resolve, request.done.reject);
    else request.done.resolve(history.more);
  }

  #dispatch(input: Input): void {
    const before = this.#state;
    const after = reduce(before, input);
    if (after === before) return;
    this.#state = after;
    if (after.tail !== before.tail) this.#followMessages(after);
    if (input.type === 'frame') this.#logEvents(before, after, input.frame);
    for (const listener of this.#listeners) listener();
  }

  #followMessages({ tail, pending }: State): void {
    this.#outbox.keep(new Set(pending.map(({ id }) => id)));
    for (const { id, state } of pending) if (state.status !== 'sending') this.#outbox.answered(id);
    const inTail = new Map(tail.map((item) => [item.id, item]));
    for (const [id, waiter] of this.#waiters) {
      const item = inTail.get(id) ?? this.#findApplied(id);
      if (!item || item.state === waiter.state) continue;
      waiter.state = item.state;
      if (isPending(item)) continue;
      waiter.settled.resolve(item.state);
      this.#waiters.delete(id);
    }
  }

  #findApplied(id: string) {
    return this.#state.items.findLast((item): item is UserItem => item.kind === 'user' && item.id === id);
  }

  /** Those that this frame let in: itself, and what had waited for it. */
  #logEvents(before: State, after: State, frame: ServerFrame): void {
    if (frame.type === 'history_gap' && after !== before) this.#log.breakOff();
    if (before.cursor === undefined || after.cursor === undefined || !isEvent(frame)) return;
    const events: EventFrame[] = [];
    for (let seq = before.cursor + 1; seq <= after.cursor; seq++) {
      const event = seq === frame.seq ? frame : before.ahead.get(seq);
      if (event) events.push(event);
    }
    this.#log.add(events);
  }

  #fail(error: MidturnError): void {
    this.#options.onError?.(error);
  }
}

function throwIfRefused(state: MessageState): void {
  if (state.status === 'rejected') throw new MessageRejectedError(state.code, state.message);
  if (state.status === 'cancelled') throw new MessageCancelledError('CANCELLED', state.reason);
}
