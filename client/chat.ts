import type { MidturnError } from './errors.ts';
import type { Platform, SocketConstructor } from './platform.ts';
import type { AbortFrame, ApprovalResponseFrame, Content, EventFrame, MessageFrame } from './protocol.ts';
import type { ChatState, MessageState } from './state.ts';
import type { OutboxStorage } from './storage.ts';

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
  /** Where the application has an id already. New in this session, 1 to 64 visible ASCII characters. Default: a random one. */
  id?: string;
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

/** One of the principal's sessions. Times are milliseconds since the epoch. */
export interface SessionInfo {
  sessionId: string;
  name: string | undefined;
  createdAt: number;
  /** When its last turn began. */
  activeAt: number;
  /** Entries of its transcript. */
  messageCount: number;
}

export interface SessionPage {
  /** Those made last come first. */
  sessions: SessionInfo[];
  /** For `list`'s `after`; undefined on the last page. A page may be empty and still have one. */
  next: string | undefined;
}

/**
 * All sessions of the principal, over this chat's connection. Each call waits for a connection; it rejects with `ServerReplyError` for a
 * session that there is not, and with `ClosedError`.
 */
export interface Sessions {
  /** `limit`: 1 to 100; 50 without it. */
  list(options?: { after?: string; limit?: number }): Promise<SessionPage>;
  /** 1 to 200 characters. */
  rename(sessionId: string, name: string): Promise<void>;
  /** With everything in it. Of the chat's own session, the chat closes. */
  delete(sessionId: string): Promise<void>;
  /** JSON lines, in pieces to be put together: one about the session, then one for each entry. */
  export(sessionId: string): AsyncIterable<string>;
}

export interface Chat {
  readonly sessionId: string;
  readonly transcript: Transcript;
  /**
   * Resolves once the conversation is here: the transcript's newest page, and all that a running turn has said so far.
   * Rejects with `ClosedError` alone: without a network it waits.
   */
  ready(): Promise<void>;
  /**
   * Text, or parts: texts and images, by https URL or as base64 that fits into `limits.content_bytes`. Throws `ContentError` for
   * blank or oversized content; everything later is the message's state.
   */
  send(content: Content, options?: SendOptions): SentMessage;
  /**
   * The turn that runs now, whoever began it: its events from the start to its end. Undefined: none runs. Throws
   * `TurnFailedError` or `ClosedError`.
   */
  turn(): AsyncIterable<EventFrame> | undefined;
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
  readonly sessions: Sessions;
  /** Drops the connection and stays away, until `connect`. The outbox waits. */
  disconnect(): void;
  connect(): void;
  close(): void;
}
