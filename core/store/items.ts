import type { EpochMs, EpochSeconds } from '../../config/units.ts';
import type { ErrorCode } from '../../protocol/errors.ts';
import type { Content } from '../content.ts';
import type { Entry } from '../events/entries.ts';
import type {
  ConnectionId,
  LaneId,
  MessageId,
  RequestId,
  SessionId,
  SessionKey,
  SlotId,
  TurnId,
} from '../ids.ts';
import type { PromptShape, Usage } from '../model.ts';
import type { Listening } from './listening.ts';
import type { TurnUsage } from './usage-items.ts';

/**
 * The items of the data model (docs/architecture.md).
 * The table has some attributes under shorter names: stored-names.ts.
 */

export interface Principal {
  tenant: string;
  subject: string;
}

/** One WebSocket. */
export interface Connection {
  principal: Principal;
  sessionId: SessionId;
  /** Key of the session's items: principal and id together (P12). */
  session: SessionKey;
  lane: LaneId;
  name?: string;
  /** When it was made. Connections of an earlier version do not say. */
  made?: EpochMs;
  /** Whether the session had a transcript when this connection was made. */
  resumed: boolean;
  /** The invocation that sends `session_start`. The others wait for `opened`. */
  opener?: string;
  /** Session and lane are chosen and never change from now on. */
  bound?: boolean;
  /** When the token that opened it expires. Absent if the token has no end. */
  tokenExpires?: EpochSeconds;
  /** The token is kept, for tools that it is forwarded to. */
  keepsToken?: boolean;
  /** `session_start` is sent, and the connection is in the session's audience. A replay may go on. */
  opened?: boolean;
  /** Counts the replays to this connection: the last one alone goes on. */
  joins?: number;
  /** Unique to the invocation that took over a replay: it recognises its own write. */
  replayer?: string;
  /** A further `connect` was answered by a long replay. */
  replayedAgain?: boolean;
  /** What the token proved, as far as the deployment chose it: JSON text. */
  claims?: string;
  /** The options of messages of this connection that have none: JSON text. */
  options?: string;
  locale?: string;
  timeZone?: string;
  /** Of several agents, the one that its client asked for. */
  agent?: string;
  /** `connected` follows the last replay. */
  connecting?: boolean;
  /** A `connect` was answered. The next one is answered by a new `session_start`. */
  connected?: boolean;
  expires: EpochSeconds;
}

/** A message that no turn has applied: in a lane's inbox, or waiting for a turn of its own. */
export type PendingMessage = Arrival &
  /** Beside it on the lane. */ (InPlace | /** In an item of its own. */ Apart);

interface InPlace {
  content: Content;
  /** What the client said beside the content, and who it is: `MessageContext` as JSON text. */
  context?: string;
  size?: never;
}

interface Apart {
  content?: never;
  context?: never;
  /** Bytes of content and context. Their key is `contentKey(session, turn)`. */
  size: number;
}

interface Arrival {
  /** Unique to one attempt to send the message. The turn that the message opens if its lane has none. */
  turn: TurnId;
  /** When API Gateway received it. */
  at: EpochMs;
  /** The client's own count of its messages. */
  order?: number;
  /** Present and true for `delivery: now`: the running model call is cut. */
  now?: boolean;
  /** The lane of its sender, if it is pending on another one. Its outcome is reported there. */
  from?: LaneId;
}

/** A file that a client uploads, or that a tool has made. */
export interface FileItem {
  type: string;
  /** In bytes. */
  size: number;
  name?: string;
  /** Until when it can be used: a day, and longer once a message has it. */
  until: EpochMs;
  /** Its bytes were found, and are what was said of them. They never change. */
  checked?: true;
  /** Later than its bytes, which the deletion of the session finds by this item. */
  expires: EpochSeconds;
}

/** The content of a pending message, if it is not on the lane. */
export interface PendingContent {
  content: Content;
  context?: string;
  expires: EpochSeconds;
}

/**
 * `AGENT_ERROR`: no turn can apply the message. `OPTIONS_INVALID`: its options are not those of the agent. `AGENT_…`: its sender
 * asked for an agent that the session does not have.
 */
export type WithdrawalCode =
  | 'cancelled'
  | Extract<
      ErrorCode,
      | 'SESSION_QUEUE_FULL'
      | 'SESSION_QUEUE_TIMEOUT'
      | 'TOO_MANY_TURNS'
      | 'SESSION_DELETED'
      | 'AGENT_ERROR'
      | 'OPTIONS_INVALID'
      | 'AGENT_UNAVAILABLE'
      | 'AGENT_FIXED'
      | 'BUDGET_EXCEEDED'
    >;

/** Why a message was withdrawn. */
export interface Withdrawal {
  code: WithdrawalCode;
  /** With `OPTIONS_INVALID`: the field that does not fit. */
  path?: string;
  /** With `BUDGET_EXCEEDED`: when the next budget begins. */
  until?: EpochMs;
}

/** The outcome of a withdrawn message, until its sender received it. `from` is that of the message. */
export interface UndeliveredOutcome extends Withdrawal {
  from?: LaneId;
}

export interface AbortRequest {
  turn: TurnId;
  pending: 'keep' | 'discard';
  by: string;
}

/** What is asked for: the output of a tool that the client runs, or the answer to a question of a tool. */
export const ASKED = { output: 1, answer: 2 } as const;
export type Asked = (typeof ASKED)[keyof typeof ASKED];

/** A client gave something for a call of a tool that it runs, or answered a question. What it gave is an item of its own, `GivenOutput`. */
export interface ClientOutput {
  /** SHA-256 of what was given, in hex: a repeat is known by it. */
  digest: string;
  isError?: true;
}

/** What a client gave for a call, until the call has its result. */
export interface GivenOutput {
  /** As JSON. */
  output: string;
  expires: EpochSeconds;
}

/** A user's answer to an approval request. Without `by` it follows from an earlier `always` for the tool. */
export interface Decision {
  decision: 'approve' | 'deny' | 'always';
  by?: string;
  /** `revocations` of the session when it was made. Absent: 0. */
  revocations?: number;
}

/**
 * The connections that events are posted to. A connection that is catching up gets events from a replay alone. From the
 * event at which it is live it gets them from the turns' workers alone, so that replay and live events are never mixed and
 * none comes twice (P9).
 */
export type Audience = Record<ConnectionId, Listening>;

export interface Lane {
  session: SessionKey;
  /** The connection that uses this lane now. Outcomes of its messages are sent there. The lane of the application has none. */
  connection?: ConnectionId;
  /** The one turn in flight, and the slot of the session's queue that it runs in. */
  turn?: TurnId;
  slot?: SlotId;
  /** When the turn began to wait for its session. */
  since?: EpochMs;
  /** Unique to the last claim: only its worker can write for this lane (P8). */
  lease?: string;
  /** Unique to the last commit: a writer whose answer was lost recognises its own commit by it. */
  commitId?: string;
  /** Claims since the last commit that made progress. */
  attempts: number;
  /** Claims of this turn that did not end in a hand-over or a suspension. No commit resets it. */
  claims?: number;
  /** The last turn that began here: its first event, its first entry and its time. */
  begun?: { turn: TurnId; seq: number; entry: number; at: EpochMs };
  usage?: TurnUsage;
  inbox: Record<MessageId, PendingMessage>;
  /** The highest `order` that was applied. */
  lastOrder?: number;
  /** Messages with `delivery: queue` on a busy lane: each opens a turn and a slot of its own. */
  waiting: Record<MessageId, PendingMessage>;
  /** Bytes of the content of the messages in `inbox` and `waiting`, wherever it is stored. */
  bytes: number;
  /**
   * Ids of messages that were applied or withdrawn in this turn, and in the one before. 2: applied after the first step, so
   * that it steered. Until the outcome is stored, a repeat is answered by it (P10).
   */
  ids: Record<MessageId, 1 | 2>;
  previousIds: Record<MessageId, 1 | 2>;
  seq: number;
  /** Number of the last entry that follows from the events up to `seq`, written or not. */
  entry: number;
  /** Committed events, encoded, that may not be in `EVENTS` yet. */
  unspilled: readonly string[];
  /** Set when a turn was handed over: events up to here were posted and are not posted again. */
  posted?: number;
  /** Committed tool calls that were left to a fresh invocation before they were started. */
  unstarted?: { turn: TurnId; calls: string[] };
  /** The open approval requests of the turn. */
  approvals?: Record<RequestId, 1>;
  /** What users decided, by request. */
  decisions?: Record<RequestId, Decision>;
  /** The open requests of the turn for what a client gives: for the output of a tool (1), or for the answer to a question (2). */
  asked?: Record<RequestId, Asked>;
  /** The requests for which a client gave something, of the open ones. */
  outputs?: Record<RequestId, ClientOutput>;
  cancel?: AbortRequest;
  audience: Audience;
  /** Outcomes of withdrawn messages that their senders have not received yet. */
  undelivered: Record<MessageId, UndeliveredOutcome>;
  /** Messages of this lane that steer another lane's turn, with their targets (core/session/forwarded.ts). */
  forwarded: Record<MessageId, string>;
  /** Moved ahead by days with every message and every claim, so that a lane never expires under a turn. */
  expires: EpochSeconds;
}

export interface Session {
  principal: Principal;
  sessionId: SessionId;
  name?: string;
  /** The name is one that a client made by itself: a title takes its place. */
  provisional?: true;
  /** The last attempt to have a title written. `by` is unique to the attempt. */
  titling?: { tries: number; by: string };
  /** Of several agents, the one that answers. Set before its first turn begins, and never changed. */
  agent?: string;
  /** Present on a fork. */
  forkedFrom?: Origin;
  /**
   * Present on a fork until it has all its entries. Such an item has no `queue` and no `audience`, which nearly every write
   * demands, and is shown to nobody.
   */
  copying?: Copying;
  /** When it was made. Orders its principal's list. */
  created: EpochMs;
  /** When its last turn began. */
  lastActive?: EpochMs;
  /** Until when it is in its principal's list. Renewed by a turn that would outlive that. */
  listed?: EpochSeconds;
  /** When it was deleted. Only this item is left, which keeps the id from being used until it expires. */
  deleted?: EpochMs;
  /** The event bus was told that it is deleted. */
  told?: boolean;
  /** Which calls a user has approved for all of the session: what an `always` covered, oldest first. */
  trusted?: readonly string[];
  /** How often trusts were revoked: an `always` of before a revocation is stored no more. */
  revocations?: number;
  /** One for each model that refused a prompt of this session. */
  promptShapes?: readonly PromptShape[];
  /** Earlier entries do not fit into prompts: the last cut (core/turn/context-window.ts). */
  promptFrom?: number;
  /** A `compacted` told of the summary up to this entry. */
  compactedTo?: number;
  /** The last attempt to summarise what the cut at `from` left out. `by` is unique to the attempt. */
  compaction?: { from: number; tries: number; by: string };
  /** Admitted slots. */
  queue: Record<SlotId, { lane: LaneId; at: EpochMs }>;
  /** The slot that runs. A hint: its lane may have ended it already. */
  active?: { slot: SlotId; lane: LaneId };
  seq: number;
  entry: number;
  audience: Audience;
  expires: EpochSeconds;
}

/** What a fork was made of. */
interface Origin {
  sessionId: SessionId;
  /** The first entry of that session that the fork does not have. */
  before: number;
}

interface Copying {
  /** When the origin was made: a later session of its id is another one. */
  created: EpochMs;
  /** Entries up to this one are copied. */
  to: number;
  /** Whose day the bytes of copied files count to. Undefined: nobody's. */
  countedFor?: Principal;
}

/** What a model wrote of the entries that prompts do not have any more. Once stored, it never changes. */
export interface Summary {
  /** The entries that it is about. */
  first: number;
  to: number;
  text: string;
  /** Of the call that wrote it. */
  provider: string;
  model: string;
  usage: Usage;
  /** In `currency`. Not there if the model has no price. */
  cost?: number;
  currency?: string;
  /** With the first of the entries that it is made of. */
  expires: EpochSeconds;
}

/** A session's place in its principal's list. What else a list shows is read from the session. */
export interface Listing {
  sessionId: SessionId;
  created: EpochMs;
  expires: EpochSeconds;
}

/** What became of a message. The first outcome that is written is final. */
export type MessageOutcome =
  | { outcome: 'taken'; turn: TurnId; placement: 'turn' | 'steering'; expires: EpochSeconds }
  | ({ outcome: 'withdrawn'; expires: EpochSeconds } & Withdrawal);

/** What a model answered to a prompt, under the digest of all that shaped the answer. */
export interface CachedAnswer {
  text: string;
  expires: EpochSeconds;
}

export interface CacheNote {
  expires: EpochSeconds;
}

/**
 * An entry as the table has it. What a tool was given and gave, and an event, is JSON text: DynamoDB does not hold every JSON
 * value (numbers have 38 digits, maps at most 32 levels, keys are not empty). Earlier versions stored it as a map.
 */
export type StoredEntry = {
  /** Number of its turn's first entry. Entries of earlier versions have none. */
  first?: number;
  /** The same for all entries of a turn. */
  expires: EpochSeconds;
} & AsStored<Entry>;

type AsStored<E> = E extends { args: infer Args }
  ? Own<Omit<E, 'args'>> & ({ args_json: string; args?: never } | { args: Args; args_json?: never })
  : E extends { output: infer Output }
    ? Own<Omit<E, 'output' | 'shown'>> & { shown_json?: string } & (
          | { output_json: string; output?: never }
          | { output: Output; output_json?: never }
        )
    : E extends { verbatim?: unknown }
      ? Own<E>
      : E extends { event: unknown }
        ? Omit<E, 'event'> & { event_json: string }
        : E;

/** With what is a provider's own, which is JSON text. */
type Own<E> = Omit<E, 'verbatim'> & { verbatim_json?: string };

/** The turns of a principal, or of a tenant, that run or wait: by slot, where each one is. */
export interface TurnsInFlight {
  slots: Record<SlotId, { session: SessionKey; lane: LaneId }>;
  expires: EpochSeconds;
}

/** How often a principal sent frames or connected in one window. */
export interface RateCount {
  count: number;
  expires: EpochSeconds;
}

export interface StoredEvents {
  events: string[];
  expires: EpochSeconds;
}
