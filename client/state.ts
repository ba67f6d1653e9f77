import type { ClientErrorCode } from './errors.ts';
import type {
  Content,
  ErrorCode,
  EventFrame,
  HistoryEntry,
  MessageFrame,
  SessionStart,
  ToolValue,
} from './protocol.ts';

/** Where a message is on its way into the conversation. The last three are final. */
export type MessageState =
  /** Not yet acknowledged; sent again until it is. */
  | { status: 'sending' }
  /** In the inbox: it opened a turn, or steers the one in flight. */
  | { status: 'accepted'; turnId: string; placement: 'turn' | 'steering'; position: number }
  /** Waits for a turn of its own. */
  | { status: 'queued'; turnId: string; position: number }
  /** Taken into the prompt before this model call of this turn. */
  | { status: 'applied'; turnId: string; step: number }
  | { status: 'cancelled'; reason: string }
  | {
      status: 'rejected';
      code: ErrorCode | ClientErrorCode;
      message: string;
      retryable: boolean;
      limit?: number;
      depth?: number;
    };

export interface UserItem {
  kind: 'user';
  key: string;
  id: string;
  content: Content;
  delivery: NonNullable<MessageFrame['delivery']>;
  state: MessageState;
  /** Its withdrawal was asked for and is not yet answered. */
  withdrawing: boolean;
}

/** A span of the answer: unbroken by steering, thinking or tools. */
export interface TextItem {
  kind: 'text';
  key: string;
  turnId: string;
  content: string;
}

export interface ThinkingItem {
  kind: 'thinking';
  key: string;
  turnId: string;
  content: string;
}

export interface ToolItem {
  kind: 'tool';
  key: string;
  turnId: string;
  /** The provider's, unique within the turn. */
  id: string;
  name: string;
  args: ToolValue;
  /** Absent while the tool runs. */
  result: { output: ToolValue; isError: boolean; truncated: boolean } | undefined;
}

export interface ApprovalItem {
  kind: 'approval';
  key: string;
  turnId: string;
  requestId: string;
  tool: string;
  summary: string;
  timeoutSeconds: number;
  /** The `id` of the tool call that waits. */
  toolCallId: string;
  /** What was decided; until `resolved` is there it is what was answered here, and not yet heard of. */
  decision: 'approve' | 'deny' | 'always' | undefined;
  /** By whom, and why if by nobody: `timeout`, `aborted`, or `always` where the tool was approved for the session before. */
  resolved: { reason: string; by: string | undefined } | undefined;
}

/** Older messages were left out of the prompt from here on. */
export interface TrimmedItem {
  kind: 'trimmed';
  key: string;
  turnId: string;
  droppedMessages: number;
  reason: string;
}

/** The model failed, and another one goes on with the turn. */
export interface ModelChangedItem {
  kind: 'model_changed';
  key: string;
  turnId: string;
  model: string;
  provider: string;
  /** The model that failed, as `provider:model`. */
  from: string;
  /** What it failed of: a word of the protocol. */
  reason: string;
}

export type TurnOutcome =
  | { result: 'done'; usage: Usage }
  | { result: 'aborted'; by: string }
  | { result: 'failed'; code: ErrorCode; message: string; retryable: boolean };

export interface Usage {
  inputTokens: number;
  outputTokens: number;
  model: string;
  provider: string;
  steps: number;
  cached: boolean;
}

export interface TurnEndItem {
  kind: 'turn_end';
  key: string;
  turnId: string;
  outcome: TurnOutcome;
}

/** One thing to show, in the order of the conversation. `key` is stable while the item lives. */
export type Item =
  | UserItem
  | TextItem
  | ThinkingItem
  | ToolItem
  | ApprovalItem
  | TrimmedItem
  | ModelChangedItem
  | TurnEndItem;

export interface ActiveTurn {
  turnId: string;
  /** Model call under way, counted from 1; 0 before the first. */
  step: number;
  /** Milliseconds since the epoch, where the server said so. */
  startedAt: number | undefined;
  /** An abort was asked for and is not yet answered. */
  stopping: boolean;
}

export type ConnectionState =
  | { status: 'connecting' }
  | { status: 'online' }
  /** Tries again at `retryAt` (milliseconds since the epoch), or at once when the network returns. */
  | { status: 'waiting'; retryAt: number; attempt: number }
  /** By `disconnect()`. */
  | { status: 'offline' }
  /** By `close()`, or because the server said that there is nothing more to connect to. */
  | { status: 'closed' };

/** What a view shows. Immutable; the same object until something changes, and unchanged items keep their identity. */
export interface ChatState {
  connection: ConnectionState;
  sessionId: string;
  name: string | undefined;
  limits: SessionStart['limits'] | undefined;
  /** The conversation: what is settled, then messages that are not (yet) taken in. */
  items: readonly Item[];
  /** Those of `items` that may still be taken in, and can be withdrawn. */
  pending: readonly UserItem[];
  activeTurn: ActiveTurn | undefined;
  /** `more`: there are older entries than those shown. */
  history: { status: 'unloaded' | 'loading' | 'loaded'; more: boolean };
}

/** All that the reducer knows: the view and what it needs to go on. */
export interface State extends ChatState {
  /** The last event taken in, with every one before it; undefined until `session_start` says where to begin. */
  cursor: number | undefined;
  /** The highest event known to exist. Above `cursor`: something is missing. */
  heard: number;
  /** Events that came before their turn. */
  ahead: ReadonlyMap<number, EventFrame>;
  /** The loaded part of the transcript, oldest first, but for turns that events tell. */
  entries: readonly HistoryEntry[];
  /** `entries` as items. */
  past: readonly Item[];
  /** Entries before this one are not loaded; 0: there are none. */
  pastNext: number | undefined;
  /** Items from events. */
  live: readonly Item[];
  /** Messages of this client that are not in the transcript. */
  tail: readonly UserItem[];
  /** Turns whose events are (or will be) here whole, so that history's entries of them are not wanted. */
  turns: ReadonlySet<string>;
  /** From the latest `session_start`: where to begin again when events have expired. */
  restart: { lastSeq: number; activeTurn: SessionStart['active_turn'] } | undefined;
}

export function initialState(sessionId: string): State {
  return {
    connection: { status: 'connecting' },
    sessionId,
    name: undefined,
    limits: undefined,
    items: [],
    pending: [],
    activeTurn: undefined,
    history: { status: 'unloaded', more: false },
    cursor: undefined,
    heard: 0,
    ahead: new Map(),
    entries: [],
    past: [],
    pastNext: undefined,
    live: [],
    tail: [],
    turns: new Set(),
    restart: undefined,
  };
}

/** Events are missing that are known to exist. */
export function isBehind(state: State): boolean {
  return state.cursor !== undefined && state.heard > state.cursor;
}

export function isPending(item: UserItem): boolean {
  const { status } = item.state;
  return status === 'sending' || status === 'accepted' || status === 'queued';
}

/** Every event that ends a turn carries the turn's text. */
export type TurnEndEvent = Extract<EventFrame, { full_response: unknown }>;

const ENDS: Readonly<Record<TurnEndEvent['type'], true>> = { done: true, aborted: true, error: true };

export function endsTurn(event: EventFrame): event is TurnEndEvent {
  return Object.hasOwn(ENDS, event.type);
}
