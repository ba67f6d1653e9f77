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

/** The state of a message. The last three are final. */
export type MessageState =
  /** Not yet acknowledged; sent again until it is. */
  | { status: 'sending' }
  /** In the inbox: it opened a turn, or steers the one in flight. */
  | { status: 'accepted'; turnId: string; placement: 'turn' | 'steering'; position: number }
  /** Waits for a turn of its own. */
  | { status: 'queued'; turnId: string; position: number }
  /** The turn applied it before this model call (`step`). */
  | { status: 'applied'; turnId: string; step: number }
  | { status: 'cancelled'; reason: string }
  | {
      status: 'rejected';
      code: ErrorCode | ClientErrorCode;
      message: string;
      retryable: boolean;
      limit?: number | undefined;
      depth?: number | undefined;
      /** When it may be sent again, under a new id, if the server knows: milliseconds from the refusal. */
      retryAfterMs?: number | undefined;
      /** With `BUDGET_EXCEEDED`: when the next budget begins, in milliseconds since the epoch. */
      until?: number | undefined;
    };

export interface UserItem {
  kind: 'user';
  key: string;
  id: string;
  content: Content;
  /** `system`: the application has sent it, and no person. Known once a turn has applied it. Undefined: the user. */
  from?: 'system' | undefined;
  delivery: NonNullable<MessageFrame['delivery']>;
  state: MessageState;
  /** `cancel` was called and is not answered yet. */
  withdrawing: boolean;
}

/** A span of the answer that is not interrupted by steering, thinking or tools. */
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
  /** The id of the call, unique within the turn. */
  id: string;
  name: string;
  args: ToolValue;
  /** What the tool shows while it runs: each value replaces the one before. Undefined: nothing, or it has its result. */
  progress: ToolValue | undefined;
  /** Present while the agent waits for this client to run the tool: answer with `addToolOutput`. */
  request?: ToolRequest | undefined;
  /** Absent while the tool runs. */
  result:
    | {
        output: ToolValue;
        isError: boolean;
        /** The output was cut. `outputLength`: the characters of the whole output, if the server says so. */
        truncated: boolean;
        outputLength?: number | undefined;
      }
    | undefined;
}

/** A call of a tool that the client runs. */
export interface ToolRequest {
  requestId: string;
  timeoutSeconds: number;
  /** This client's answer, which the server has not confirmed yet. */
  answer?: ToolAnswer | undefined;
  /** Why the server takes no such answer: it is too long, for example. Another one can be given. */
  refused?: { code: ErrorCode; message: string } | undefined;
}

/** What a client gives for a tool that it runs: an output, or the text of an error. */
export type ToolAnswer =
  | { output: ToolValue; errorText?: undefined }
  | { output?: undefined; errorText: string };

export interface ApprovalItem {
  kind: 'approval';
  key: string;
  turnId: string;
  requestId: string;
  tool: string;
  /** The arguments for a narrow screen: their beginning, and how much is left out. */
  summary: string;
  /** The whole arguments: what is approved. Undefined: the server is too old to send them. */
  arguments: unknown;
  /** Whether `always` may be answered. */
  offersAlways: boolean;
  timeoutSeconds: number;
  /** In milliseconds since the epoch, by the clock of the server. Undefined: the server is too old to tell. */
  askedAt?: number | undefined;
  /** The `id` of the tool call that waits. */
  toolCallId: string;
  /** The decision. While `resolved` is undefined it is this client's answer, which the server has not confirmed yet. */
  decision: 'approve' | 'deny' | 'always' | undefined;
  /** Who decided, or the reason if no person did: `timeout`, `aborted`, or `always` if the tool was approved for the session. */
  resolved: { reason: string; by: string | undefined } | undefined;
}

/** From here on, older messages are left out of the prompt, or the model is shown the conversation in another form. */
export interface TrimmedItem {
  kind: 'trimmed';
  key: string;
  turnId: string;
  droppedMessages: number;
  reason: string;
  /** After a refusal: the form in which the prompt is sent again. */
  form: string | undefined;
}

/** From here on, the model is shown a summary in the place of the entries up to this one. */
export interface CompactedItem {
  kind: 'compacted';
  key: string;
  turnId: string;
  toEntry: number;
}

/** The model failed, and another model continues the turn. */
export interface ModelChangedItem {
  kind: 'model_changed';
  key: string;
  turnId: string;
  model: string;
  provider: string;
  /** The model that failed, as `provider:model`. */
  from: string;
  /** Why it failed: a `reason` of the protocol. */
  reason: string;
}

/** Sources that the model names for its answer: those of one or more model calls that follow one another. */
export interface SourcesItem {
  kind: 'sources';
  key: string;
  turnId: string;
  sources: readonly Source[];
}

/** `id` is unique within the turn. */
export type Source =
  | { id: string; type: 'url'; url: string; title: string | undefined }
  | { id: string; type: 'document'; mediaType: string; title: string; filename: string | undefined };

/** A file that the model made. */
export interface FileItem {
  kind: 'file';
  key: string;
  turnId: string;
  mediaType: string;
  bytes: number;
  /** In base64. Undefined: the server did not keep it, for the reason in `omitted`. */
  data: string | undefined;
  omitted: string | undefined;
}

/** A value for the page of the application, which a tool has sent. */
export interface DataItem {
  kind: 'data';
  key: string;
  turnId: string;
  /** What it is, in the words of the application. */
  name: string;
  /** A later value of the turn with the same `name` and `id` has replaced the one before. */
  id: string;
  data: ToolValue;
  /** The call that has sent it. */
  toolCallId: string | undefined;
}

export type TurnOutcome =
  /** `output`: the value of an answer that has a form of its own. */
  | { result: 'done'; usage: Usage; output?: unknown }
  | { result: 'aborted'; by: string }
  /** `until`: with `BUDGET_EXCEEDED`, when the next budget begins, in milliseconds since the epoch. */
  | { result: 'failed'; code: ErrorCode; message: string; retryable: boolean; until?: number | undefined };

export interface Usage {
  inputTokens: number;
  outputTokens: number;
  /** Of the input: read from the provider's cache. Undefined, as the following ones, if it is not known. */
  cacheReadTokens: number | undefined;
  /** Of the input: written to the provider's cache. */
  cacheWriteTokens: number | undefined;
  /** Of the output: what the model thought. */
  reasoningTokens: number | undefined;
  /** In `currency`. */
  cost: number | undefined;
  currency: string | undefined;
  model: string;
  provider: string;
  steps: number;
  cached: boolean;
  /** How the answer ended: `stop`, `length`, `content_filter`, `refusal`, or the provider's own word. Older servers do not say. */
  finishReason: string | undefined;
}

export interface TurnEndItem {
  kind: 'turn_end';
  key: string;
  turnId: string;
  outcome: TurnOutcome;
}

/** One item to show, in the order of the conversation. `key` does not change while the item exists. */
export type Item =
  | UserItem
  | TextItem
  | ThinkingItem
  | ToolItem
  | ApprovalItem
  | TrimmedItem
  | CompactedItem
  | ModelChangedItem
  | SourcesItem
  | FileItem
  | DataItem
  | TurnEndItem;

export interface ActiveTurn {
  turnId: string;
  /** The current model call, counted from 1; 0 before the first. */
  step: number;
  /** Milliseconds since the epoch; undefined if the server did not send it. */
  startedAt: number | undefined;
  /** `abort` was called and the turn has not ended yet. */
  stopping: boolean;
}

export type ConnectionState =
  | { status: 'connecting' }
  | { status: 'online' }
  /** Tries again at `retryAt` (milliseconds since the epoch), or at once when the network is back. */
  | { status: 'waiting'; retryAt: number; attempt: number }
  /** After `disconnect()`. */
  | { status: 'offline' }
  /** After `close()`, or because the session was deleted. */
  | { status: 'closed' };

/** The state for a view. Immutable: it is the same object until something changes, and unchanged items keep their identity. */
export interface ChatState {
  connection: ConnectionState;
  sessionId: string;
  name: string | undefined;
  /** Of several agents, the one that the session has. Undefined before its first turn, and where there is only one. */
  agent: string | undefined;
  /** Those of several agents that a session without one can be given. */
  agents: readonly string[];
  limits: SessionStart['limits'] | undefined;
  /**
   * What runs in this session without being asked about, since somebody answered `always`: the name of a tool, or the name, a
   * colon and what the agent counts as the same call. Oldest first. `revoke` takes one of these.
   */
  trusted: readonly string[];
  /** The conversation: settled items, then messages that no turn has applied. */
  items: readonly Item[];
  /** The messages of `items` that can still be applied, and can be withdrawn. */
  pending: readonly UserItem[];
  activeTurn: ActiveTurn | undefined;
  /** `more`: there are older entries than the loaded ones. */
  history: { status: 'unloaded' | 'loading' | 'loaded'; more: boolean };
}

/** The state of the reducer: the view, and what the reducer needs for the next input. */
export interface State extends ChatState {
  /** The last event of the gapless sequence that was received; undefined until `session_start` says where it begins. */
  cursor: number | undefined;
  /** The highest `seq` that is known to exist. Above `cursor`, events are missing. */
  heard: number;
  /** Events that arrived early: an event before them is missing. */
  ahead: ReadonlyMap<number, EventFrame>;
  /** Those that were taken in last, together. */
  taken: readonly EventFrame[];
  /** The loaded part of the transcript, oldest first, without turns that are shown from events. */
  entries: readonly HistoryEntry[];
  /** `entries` as items. */
  past: readonly Item[];
  /** Entries before this number are not loaded; 0: every entry is loaded. */
  pastNext: number | undefined;
  /** Items from events. */
  live: readonly Item[];
  /** Messages of this client that are not in the transcript. */
  tail: readonly UserItem[];
  /** Turns whose events are, or will be, received completely. Their entries of the transcript are not used. */
  turns: ReadonlySet<string>;
  /** How often trusts were revoked, as far as is known. */
  revocations: number;
  /** The latest one: this client's lane, and where to start again when events have expired. */
  restart: SessionStart | undefined;
}

export function initialState(sessionId: string): State {
  return {
    connection: { status: 'connecting' },
    sessionId,
    name: undefined,
    agent: undefined,
    agents: [],
    limits: undefined,
    trusted: [],
    items: [],
    pending: [],
    activeTurn: undefined,
    history: { status: 'unloaded', more: false },
    cursor: undefined,
    heard: 0,
    ahead: new Map(),
    taken: [],
    entries: [],
    past: [],
    pastNext: undefined,
    live: [],
    tail: [],
    turns: new Set(),
    revocations: 0,
    restart: undefined,
  };
}

/** Whether events are missing that are known to exist. */
export function isBehind(state: State): boolean {
  return state.cursor !== undefined && state.heard > state.cursor;
}

export function isPending(item: UserItem): boolean {
  const { status } = item.state;
  return status === 'sending' || status === 'accepted' || status === 'queued';
}

/** Whether the event ends its turn. Every such event has the turn's text, `full_response`. */
export type TurnEndEvent = Extract<EventFrame, { full_response: unknown }>;

const ENDS: Readonly<Record<TurnEndEvent['type'], true>> = { done: true, aborted: true, error: true };

export function endsTurn(event: EventFrame): event is TurnEndEvent {
  return Object.hasOwn(ENDS, event.type);
}
