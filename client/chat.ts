import type { MidturnError } from './errors.ts';
import type { Platform, SocketConstructor } from './platform.ts';
import type {
  AbortFrame,
  ApprovalResponseFrame,
  ClientFrame,
  Content,
  EventFrame,
  FrameOf,
  MessageFrame,
} from './protocol.ts';

import type { ChatState, MessageState, ToolAnswer } from './state.ts';
import type { OutboxStorage } from './storage.ts';

/** A request for an address to put a file to, or to read one from. */
export type FileRequest = Extract<ClientFrame, { type: 'upload' | 'download' }>;
/** An answer to a question of an MCP server. */
export type AnswerRequest = Extract<ClientFrame, { type: 'elicitation_answer' }>;
/** A request for a session with the first entries of another one. */
export type ForkRequest = Extract<ClientFrame, { type: 'fork' }>;

export interface MidturnOptions {
  /** `wss://…/stage`. Further query parameters are kept. */
  url: string;
  /**
   * The token, or a function that returns it. The function is called for every connection, also shortly before the last token
   * expires.
   */
  token?: string | (() => string | Promise<string>);
  /** The session: 1 to 64 visible ASCII characters, else `createMidturn` throws. Default: a new session. */
  sessionId?: string;
  /** The name of a new session, shown in lists of sessions. */
  name?: string;
  deviceName?: string;
  /** The user's language, as a tag of BCP 47, for the agent's code. */
  locale?: string;
  /** The user's time zone, by its IANA name, for the agent's code: `Intl.DateTimeFormat().resolvedOptions().timeZone`. */
  timeZone?: string;
  /** Which of several agents a new session is to have: one of the state's `agents`. Default: the server chooses. */
  agent?: string;
  /** Where unsent and unanswered messages are stored. Default: memory, which does not survive a reload. */
  storage?: OutboxStorage;
  /** Entries in a page of history, 1 to 200. Default: 50. */
  historyPage?: number;
  /** Called with errors that the client recovers from itself, or that belong to no call. Default: they are ignored. */
  onError?: (error: MidturnError) => void;
  /** Called with the text of every frame that is sent or received. */
  onFrame?: (direction: 'in' | 'out', text: string) => void;
  /** Default: `globalThis.WebSocket`. */
  WebSocket?: SocketConstructor;
  /** Replaces the clock, timers or randomness of the host, for tests and for hosts without them. */
  platform?: Partial<Omit<Platform, 'WebSocket'>>;
}

export interface SendOptions {
  /**
   * `steer` (default): joins the running turn before its next model call. `queue`: gets a turn of its own, after the
   * running one. `now`: cuts the running model call; its text is kept, and the turn goes on with this message.
   */
  delivery?: NonNullable<MessageFrame['delivery']>;
  /** The message's id: 1 to 64 visible ASCII characters, not used before in this session. Default: a random id. */
  id?: string;
  /**
   * For the agent's code, which says what they are. The server refuses others with `OPTIONS_INVALID`. Those of the message that begins a
   * turn hold for all of it.
   */
  options?: NonNullable<MessageFrame['options']>;
}

/** A message that was passed to `send`. */
export interface SentMessage {
  readonly id: string;
  readonly state: MessageState;
  /** Resolves when the message is `applied`, `cancelled` or `rejected`. @throws {ClosedError} when the chat is closed before */
  readonly settled: Promise<MessageState>;
  /**
   * The answer: the events of the turn that applies this message, from there to the turn's end.
   *
   * @throws {TurnFailedError} when the turn ends in an error
   * @throws {MessageRejectedError} when the server refuses the message
   * @throws {MessageCancelledError} when the message is withdrawn
   * @throws {ClosedError} when the chat is closed
   */
  events(): AsyncIterable<EventFrame>;
}

export interface Transcript {
  /** Calls `listener` after every change. Returns a function that ends this. */
  subscribe(listener: () => void): () => void;
  /** The same object until something changes. */
  getSnapshot(): ChatState;
}

/** One of the principal's sessions. Times are milliseconds since the epoch. */
export interface SessionInfo {
  sessionId: string;
  name: string | undefined;
  /** Of several agents, the one that it has. */
  agent: string | undefined;
  createdAt: number;
  /** When its last turn began. */
  activeAt: number;
  /** The number of entries of its transcript. */
  messageCount: number;
}

export interface SessionPage {
  /** Newest first. */
  sessions: SessionInfo[];
  /** The value of `after` for the next page; undefined on the last page. An empty page can have one. */
  next: string | undefined;
}

/**
 * The sessions of the principal, over this chat's connection. Each call waits for a connection.
 *
 * @throws {ServerReplyError} when the session does not exist
 * @throws {TypeError} when an id is none
 * @throws {ClosedError} when the chat is closed
 */
export interface Sessions {
  /**
   * A page of sessions. `limit`: 1 to 100. Default: 50. `query`: those whose name has these words; a page is then of the next 100
   * sessions, and can be empty and still have a `next`.
   */
  list(options?: { after?: string; limit?: number; query?: string }): Promise<SessionPage>;
  /**
   * Names a session. `name`: 1 to 200 characters. `provisional`: it replaces no name that somebody gave (`SESSION_NAMED`), and a title
   * of the server takes its place.
   */
  rename(sessionId: string, name: string, how?: { provisional?: true }): Promise<void>;
  /** Deletes a session with all its messages. If it is the chat's own session, the chat is closed. */
  delete(sessionId: string): Promise<void>;
  /** Pieces of JSON lines, to be put together: a line about the session, then a line for each entry of its transcript. */
  export(sessionId: string): AsyncIterable<string>;
}

export interface Chat {
  readonly sessionId: string;
  readonly transcript: Transcript;
  /**
   * Resolves when the newest page of the transcript and all events of a running turn so far are loaded. Without a network
   * it waits.
   *
   * @throws {ClosedError} when the chat is closed before
   */
  ready(): Promise<void>;
  /**
   * Sends a text, or a list of texts and images (by https URL, or as base64 that fits into `limits.content_bytes`). What
   * happens to the message later is in its state.
   *
   * @throws {ContentError} when the content is blank or too large
   * @throws {ClosedError} when the chat is closed
   * @example
   * const message = chat.send('Suggest a soup');
   * for await (const event of message.events()) if (event.type === 'chunk') show(event.content);
   */
  send(content: Content, options?: SendOptions): SentMessage;
  /**
   * The events of the running turn, from its beginning to its end, also if another device began it. Undefined: no turn runs.
   * With `turnId`: those of that turn, if it is running or was one of the last two that this chat has seen from the beginning.
   *
   * @throws {TurnFailedError} when the turn ends in an error
   * @throws {ClosedError} when the chat is closed
   */
  turn(turnId?: string): AsyncIterable<EventFrame> | undefined;
  /** Every event from now on, of all turns and all devices, each once and in order. */
  events(): AsyncIterable<EventFrame>;
  /**
   * Stops the running turn. The text that was streamed stays. `pending: 'discard'` withdraws the messages of this chat that
   * wait now; what is sent afterwards is answered. Default: `keep`, they become the next turn.
   */
  abort(options?: Pick<AbortFrame, 'pending'>): void;
  /** Withdraws a message that no turn has applied yet. The message's state shows whether that was in time. */
  cancel(id: string): void;
  /** Removes a cancelled or rejected message from the view. */
  dismiss(id: string): void;
  approve(requestId: string, decision: ApprovalResponseFrame['decision']): void;
  /**
   * Answers a call of a tool that the client runs, as the AI SDK's `addToolOutput`: its output, or the text of an error. It is sent
   * until the call has its result. Only the device whose message began the turn is asked.
   *
   * @example
   * if (item.kind === 'tool' && item.request) chat.addToolOutput({ toolCallId: item.id, output: await locate() });
   */
  addToolOutput(answer: { toolCallId: string } & ToolAnswer): void;
  /** Revokes one of the state's `trusted`, or all: from now on such calls are asked about. A call that runs goes on. */
  revoke(trust?: string): void;
  /**
   * Asks for one of several agents, as `agent` of the options. It opens a new connection. Messages to a session that has another agent
   * are rejected with `AGENT_FIXED`. Undefined: takes the wish back.
   */
  chooseAgent(agent: string | undefined): void;
  /** Loads the next older page of the transcript. Resolves to whether there are still older entries. */
  history(): Promise<boolean>;
  readonly sessions: Sessions;
  /**
   * Asks for a fork, as `forkSession` of `midturn-client/fork` does.
   *
   * @throws {ServerReplyError} when the server refuses
   * @throws {ClosedError} when the chat is closed
   */
  request(frame: ForkRequest): Promise<FrameOf<'forked'>>;
  /**
   * Answers a question of an MCP server, as `answerQuestion` of `midturn-client/elicitation` does.
   *
   * @throws {ServerReplyError} when the server refuses
   * @throws {ClosedError} when the chat is closed
   */
  request(frame: AnswerRequest): Promise<FrameOf<'elicitation_answer'>>;
  /**
   * Asks for an address of a file, as `uploadFile` and `fileUrl` of `midturn-client/files` do.
   *
   * @throws {ServerReplyError} when the server refuses
   * @throws {ClosedError} when the chat is closed
   */
  request<F extends FileRequest>(frame: F): Promise<FrameOf<F['type']>>;
  /** Closes the connection until `connect` is called. Messages in the outbox wait. */
  disconnect(): void;
  connect(): void;
  close(): void;
}
