import { Alarm } from './alarm.ts';
import { CatchUp } from './catch-up.ts';
import type { MidturnOptions } from './chat.ts';
import { Connection } from './connection.ts';
import { deferred } from './deferred.ts';
import { ClosedError, MidturnError, ServerReplyError } from './errors.ts';
import { EventLog } from './event-log.ts';
import { Outbox } from './outbox.ts';
import { PageRequest } from './page-request.ts';
import type { Platform } from './platform.ts';
import {
  type AbortFrame,
  type ApprovalResponseFrame,
  type ClientFrame,
  type ConnectFrame,
  type FrameOf,
  isEvent,
  type ServerFrame,
  type ToolOutputFrame,
} from './protocol.ts';
import { type Draft, type Input, reduce } from './reduce.ts';
import { Repeats } from './repeats.ts';
import { type MessageProgress, SentMessages } from './sent-messages.ts';
import { SessionRequests } from './session-requests.ts';
import { type Item, initialState, isBehind, type State, type ToolAnswer } from './state.ts';
import { memoryStorage } from './storage.ts';

/**
 * The client's side of a session, from its creation to `close`. It handles what arrives, what the application does, and
 * what is due.
 */
export class Session {
  readonly log = new EventLog();
  readonly sessions = new SessionRequests(() => this.#attend());
  readonly #options: MidturnOptions;
  readonly #platform: Platform;
  readonly #connection: Connection;
  readonly #outbox: Outbox;
  readonly #alarm: Alarm;
  readonly #catchUp = new CatchUp();
  readonly #page = new PageRequest();
  readonly #sent = new SentMessages();
  readonly #listeners = new Set<() => void>();
  #state: State;
  readonly #repeats = new Repeats();
  /** What to revoke (empty: all), and how often trusts had been revoked before. */
  readonly #revoking = new Map<string, number>();
  #abort: AbortFrame | undefined;
  #agent: string | undefined;

  constructor(options: MidturnOptions, platform: Platform) {
    this.#options = options;
    this.#platform = platform;
    this.#agent = options.agent;
    const sessionId = options.sessionId ?? platform.newId();
    this.#state = initialState(sessionId);
    this.#alarm = new Alarm(platform, () => this.#attend());
    this.#outbox = new Outbox(options.storage ?? memoryStorage(), `midturn:${sessionId}`, (cause) =>
      this.#fail(new MidturnError('STORAGE_FAILED', 'The outbox could not be read or written.', { cause })),
    );
    this.#connection = new Connection({ ...options, sessionId }, platform, {
      connectFrame: () => this.#connectFrame(),
      received: (frame, opened) => this.#receive(frame, opened),
      changed: (connection) => this.#dispatch({ type: 'connection', connection }),
      busy: () => this.#state.activeTurn !== undefined,
      failed: (error) => this.#fail(error),
      trace: (direction, text) => options.onFrame?.(direction, text),
    });
    this.#outbox.load().then((drafts) => {
      if (this.isClosed) return;
      if (drafts.length > 0) this.#dispatch({ type: 'restored', drafts });
      if (this.#state.connection.status !== 'offline') this.#connection.connect();
    });
  }

  get state(): State {
    return this.#state;
  }

  get isClosed(): boolean {
    return this.#state.connection.status === 'closed';
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  ready(): Promise<void> {
    if (this.#isReady()) return Promise.resolve();
    if (this.isClosed) return Promise.reject(new ClosedError());
    const { promise, resolve, reject } = deferred<void>();
    const unsubscribe = this.subscribe(() => {
      if (this.#isReady()) resolve();
      else if (this.isClosed) reject(new ClosedError());
      else return;
      unsubscribe();
    });
    return promise;
  }

  #isReady(): boolean {
    return this.#state.history.status === 'loaded' && !isBehind(this.#state);
  }

  write(draft: Draft): MessageProgress {
    const progress = this.#sent.watch(draft.id);
    this.#outbox.add(draft);
    this.#dispatch({ type: 'written', draft });
    this.#attend();
    return progress;
  }

  abort(pending: AbortFrame['pending']): void {
    const { activeTurn } = this.#state;
    if (!activeTurn) return;
    // By id, since the turn can go on for a while: what is written from now on must not go with it.
    const waiting = pending === 'discard' ? this.#state.pending : [];
    this.#abort = {
      type: 'abort',
      turn_id: activeTurn.turnId,
      // JSON leaves out what is undefined.
      pending,
      pending_ids: pending === 'discard' ? waiting.map(({ id }) => id) : undefined,
    };
    // The server may not have these yet.
    for (const { id, state } of waiting) if (state.status === 'sending') this.#withdraw(id);
    this.#repeats.renew('abort');
    this.#dispatch({ type: 'stop_asked' });
    this.#attend();
  }

  cancel(id: string): void {
    this.#withdraw(id);
    this.#attend();
  }

  #withdraw(id: string): void {
    this.#dispatch({ type: 'withdrawn', id, unsent: !this.#outbox.wasSent(id) });
  }

  dismiss(id: string): void {
    this.#dispatch({ type: 'dismissed', id });
  }

  approve(requestId: string, decision: ApprovalResponseFrame['decision']): void {
    this.#dispatch({ type: 'approval_answered', requestId, decision });
    this.#attend();
  }

  addToolOutput(toolCallId: string, answer: ToolAnswer): void {
    this.#dispatch({ type: 'output_given', toolCallId, answer });
    this.#attend();
  }

  revoke(trust: string): void {
    this.#revoking.set(trust, this.#state.revocations);
    this.#attend();
  }

  olderPage(): Promise<boolean> {
    if (this.isClosed) return Promise.reject(new ClosedError());
    const { status, more } = this.#state.history;
    if (status === 'loaded' && !more) return Promise.resolve(false);
    const done = this.#askPage();
    this.#attend();
    return done;
  }

  /** The next connection asks for it, before it sends a message. */
  chooseAgent(agent: string | undefined): void {
    this.#agent = agent;
    if (this.#state.connection.status === 'offline') return;
    this.disconnect();
    this.connect();
  }

  disconnect(): void {
    this.#connection.disconnect();
  }

  connect(): void {
    this.#connection.connect();
  }

  close(): void {
    if (this.isClosed) return;
    this.#connection.close();
    this.#alarm.clear();
    this.log.close();
    this.#page.close();
    this.#sent.close();
    this.sessions.close();
  }

  #connectFrame(): ConnectFrame {
    const { cursor, sessionId } = this.#state;
    const { lane } = this.#outbox;
    const { deviceName, locale, timeZone } = this.#options;
    this.#catchUp.asked(cursor, this.#platform.now());
    // JSON leaves out what is undefined.
    return {
      type: 'connect',
      session_id: sessionId,
      device_name: deviceName || undefined,
      resume: (lane ?? cursor) === undefined ? undefined : { lane, after_seq: cursor },
      locale,
      time_zone: timeZone,
      agent: this.#agent,
    };
  }

  #receive(frame: ServerFrame, opened?: { afterSeq: number | undefined }): void {
    this.#catchUp.heard(this.#platform.now());
    if (opened && frame.type === 'session_start') this.#beginConnection(frame, opened.afterSeq);
    this.#dispatch({ type: 'frame', frame });
    this.sessions.receive(frame);
    if (isEvent(frame)) {
      this.#catchUp.eased();
      this.#forgetAbort();
    } else if (frame.type === 'trusted' || frame.type === 'session_start') {
      this.#forgetRevoked();
    } else if (frame.type === 'connected') {
      this.#catchUp.answered(this.#state.cursor);
    } else if (frame.type === 'history') {
      this.#pageCame();
    } else if (frame.type === 'error') {
      this.#receiveError(frame);
    } else if (frame.type === 'deleted' && frame.session_id === this.#state.sessionId) {
      this.close();
    }
    this.#attend();
  }

  #beginConnection(frame: FrameOf<'session_start'>, afterSeq: number | undefined): void {
    // The server read `last_seq` after it received our `after_seq`. If it is lower, this is a new session with the same id.
    if (afterSeq !== undefined && frame.last_seq < afterSeq) {
      this.log.breakOff();
      this.#revoking.clear();
      this.#dispatch({ type: 'session_lost' });
    }
    if (this.#state.cursor === undefined) this.#catchUp.startOver();
    const lost = this.#outbox.adoptLane(frame.lane);
    if (lost.size > 0) this.#dispatch({ type: 'lane_lost', ids: lost });
    this.#repeats.startOver();
    this.#catchUp.eased();
  }

  #receiveError(frame: FrameOf<'error'>): void {
    if (frame.terminal) return;
    if (frame.code === 'NO_ACTIVE_TURN') {
      this.#abort = undefined;
    } else if (frame.code === 'TOKEN_EXPIRED' || (frame.id === undefined && frame.session_id === undefined)) {
      this.#fail(new ServerReplyError(frame));
    }
    if (frame.code === 'RATE_LIMITED' && frame.retry_after_ms !== undefined) {
      // The refused frame can be a `cancel`: the error then has the message's id, as for a `message`.
      this.#repeats.hold(this.#platform.now() + frame.retry_after_ms);
    }
    if (frame.code === 'TOO_MANY_CONNECTIONS') this.#connection.giveWay();
    if (frame.code === 'SESSION_DELETED' && frame.id === undefined) {
      // This client may have deleted it, and the answer was lost.
      this.sessions.receive({ type: 'deleted', session_id: this.#state.sessionId });
      this.close();
    }
  }

  /** What is sent until it is answered, in this order. Each has a key, and its frame is made when it is sent. */
  #openRequests(): Map<string, () => ClientFrame> {
    const open = new Map<string, () => ClientFrame>();
    for (const [id, frame] of this.#outbox.open) open.set(`message ${id}`, frame);
    for (const { id, withdrawing, state } of this.#state.pending) {
      // It waits until its message is acknowledged: it could overtake the message and find nothing.
      if (withdrawing && state.status !== 'sending') open.set(`cancel ${id}`, () => ({ type: 'cancel', id }));
    }
    const abort = this.#abort;
    if (abort) open.set('abort', () => abort);
    for (const item of this.#state.live) {
      const frame = answerIn(item);
      if (frame) open.set(`answer ${frame.request_id}`, () => frame);
    }
    for (const trust of this.#revoking.keys())
      open.set(`revoke ${trust}`, () => ({ type: 'revoke', trust: trust || undefined }));
    for (const [key, frame] of this.sessions.open) open.set(key, () => frame);
    const { historyPage: limit = 50 } = this.#options;
    const before = this.#state.pastNext || undefined;
    if (this.#page.isOpen) open.set('history', () => ({ type: 'history', limit, before }));
    return open;
  }

  /** The server revokes with the count, so a list of before does not answer. */
  #forgetRevoked(): void {
    const { trusted, revocations } = this.#state;
    for (const [trust, before] of this.#revoking) {
      const isGone = trust === '' ? trusted.length === 0 : !trusted.includes(trust);
      if (isGone && revocations > before) this.#revoking.delete(trust);
    }
  }

  #forgetAbort(): void {
    if (this.#abort && this.#state.activeTurn?.turnId !== this.#abort.turn_id) this.#abort = undefined;
  }

  /** Sends what is due now, and sets the alarm for the next time that something is due. */
  #attend(): void {
    if (this.isClosed) return;
    this.#connection.attend();
    if (!this.#connection.isUp) {
      this.#alarm.clear();
      return;
    }
    const now = this.#platform.now();
    if (this.#state.history.status === 'unloaded') this.#askPage();
    for (const makeFrame of this.#repeats.takeDue(this.#openRequests(), now))
      this.#connection.send(makeFrame());
    if (this.#catchUp.isDue(this.#state, now)) this.#connection.send(this.#connectFrame());
    this.#alarm.set(this.#repeats.nextDue, this.#catchUp.nextDue(this.#state));
  }

  #askPage(): Promise<boolean> {
    if (this.#page.isOpen) return this.#page.open();
    const done = this.#page.open();
    this.#repeats.renew('history');
    this.#dispatch({ type: 'history_asked' });
    return done;
  }

  #pageCame(): void {
    const done = this.#page.take();
    if (!done) return;
    const { history, past } = this.#state;
    // A page with only entries of the running turn shows nothing new, because events show that turn: load the page before.
    if (history.more && past.length === 0) this.#askPage().then(done.resolve, done.reject);
    else done.resolve(history.more);
  }

  #dispatch(input: Input): void {
    const before = this.#state;
    const after = reduce(before, input);
    if (after === before) return;
    this.#state = after;
    if (after.tail !== before.tail) this.#followMessages(after);
    if (input.type === 'frame' && input.frame.type === 'history_gap') this.log.breakOff();
    if (after.taken !== before.taken) this.log.add(after.taken);
    for (const listener of this.#listeners) listener();
  }

  #followMessages(state: State): void {
    this.#outbox.keep(new Set(state.pending.map(({ id }) => id)));
    for (const { id, state: sent } of state.pending) {
      if (sent.status !== 'sending') this.#outbox.answered(id);
    }
    this.#sent.follow(state);
  }

  #fail(error: MidturnError): void {
    this.#options.onError?.(error);
  }
}

/** What was answered here, and is not confirmed: the decision on a call, or the output of one. */
function answerIn(item: Item): ApprovalResponseFrame | ToolOutputFrame | undefined {
  if (item.kind === 'approval' && item.decision && !item.resolved)
    return { type: 'approval_response', request_id: item.requestId, decision: item.decision };
  if (item.kind !== 'tool' || !item.request?.answer) return undefined;
  const { requestId: request_id, answer } = item.request;
  // JSON leaves out what is undefined.
  return { type: 'tool_output', request_id, output: answer.output, error: answer.errorText };
}
