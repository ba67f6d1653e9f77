import type { ErrorCode } from '../../protocol/errors.ts';
import type { Content } from '../content.ts';
import type { Entry } from '../events/entries.ts';

/** The items of the data model (docs/design.md §4). Times are milliseconds since the epoch, `expires` is in seconds. */

export interface Principal {
  tenant: string;
  subject: string;
}

/** One WebSocket. */
export interface Connection {
  principal: Principal;
  sessionId: string;
  /** Key of the session's items: principal and id together (P12). */
  session: string;
  lane: string;
  name?: string;
  /** Whether the session had a transcript when this connection was made. */
  resumed: boolean;
  /** Which invocation sends `session_start`; the others wait for `greeted`. */
  opener?: string;
  /** Session and lane are chosen: they never change from then on. */
  bound?: boolean;
  /** `session_start` is sent and events are listened to. */
  opened?: boolean;
  /** A `connect` was answered: the next one asks for a new `session_start`, this one had the greeting. */
  connected?: boolean;
  expires: number;
}

/** A message that no turn has taken in yet: in a lane's inbox, or waiting for a turn of its own. */
export interface PendingMessage {
  content: Content;
  /** The turn that it opens, or would have opened had its lane had none. */
  turn: string;
  /** When API Gateway received it. */
  at: number;
  /** The client's own count. */
  order?: number;
  /** Present and true: the running model call is cut for it. */
  now?: boolean;
  /** Its sender's lane, where that is not the one that it is pending on: its outcome is told there. */
  from?: string;
}

export type WithdrawalCode =
  | 'cancelled'
  | Extract<ErrorCode, 'SESSION_QUEUE_FULL' | 'SESSION_QUEUE_TIMEOUT' | 'SESSION_DELETED'>;

/** What became of a withdrawn message, until its sender heard it; `from` as in the message. */
export interface UndeliveredOutcome {
  code: WithdrawalCode;
  from?: string;
}

export interface AbortRequest {
  turn: string;
  pending: 'keep' | 'discard';
  by: string;
}

/** A person's answer to a request; without `by` it is one that was given before, for all calls of the tool. */
export interface Decision {
  decision: 'approve' | 'deny' | 'always';
  by?: string;
}

/** What the model calls of a turn have used so far. */
export interface TurnUsage {
  steps: number;
  inputTokens: number;
  outputTokens: number;
  lastInputTokens: number;
  /** The last model call ended with an answer: only an empty inbox is missing for `done`. */
  answered: boolean;
  /** The last model call was none: its answer was known. */
  cached?: true;
}

/**
 * Who is posted to, by connection. One that is catching up is given what was committed before it joined by the function
 * that answers its `connect`; the turn's worker keeps what follows until that is done, so that the two are never mixed.
 */
export type Audience = Record<string, Listening>;
export type Listening = typeof CATCHING_UP | typeof LIVE;
export const CATCHING_UP = 0;
export const LIVE = 1;

export interface Lane {
  session: string;
  /** The connection that speaks on this lane now; outcomes of its messages are told there. */
  connection: string;
  /** The one turn in flight and the place in the session's queue that it runs in. */
  turn?: string;
  slot?: string;
  /** When this turn began to wait for its session. */
  since?: number;
  /** A value unique to the claim whose worker may write for this lane (P8). */
  lease?: string;
  /** Unique to the last commit: how a writer whose answer was lost recognises its own. */
  commitId?: string;
  /** Claims since something was last committed. */
  attempts: number;
  /** The last turn that began here: its first event, first entry and time. */
  begun?: { turn: string; seq: number; entry: number; at: number };
  usage?: TurnUsage;
  inbox: Record<string, PendingMessage>;
  /** The highest `order` that was taken in. */
  lastOrder?: number;
  /** `delivery: queue` on a busy lane: each has its turn, and so a slot, of its own. */
  waiting: Record<string, PendingMessage>;
  /** Content bytes in inbox and waiting. */
  bytes: number;
  /** Ids taken in or withdrawn in this turn, and in the one before. */
  ids: Record<string, 1>;
  previousIds: Record<string, 1>;
  seq: number;
  entry: number;
  /** Committed events that may not be in EVENTS yet, encoded. */
  unspilled: string[];
  /** Set when a turn was handed over: events up to here were posted, so that nobody posts them again. */
  posted?: number;
  /** Tool calls that are committed and were left to a fresh invocation before they were started. */
  unstarted?: { turn: string; calls: string[] };
  /** A mark for each approval that the turn has asked for and that is not resolved. */
  approvals?: Record<string, 1>;
  /** What was decided of them, by request. */
  decisions?: Record<string, Decision>;
  cancel?: AbortRequest;
  audience: Audience;
  /** Outcomes of withdrawn messages that their senders have not heard yet. */
  undelivered: Record<string, UndeliveredOutcome>;
  /** Messages of this lane that steer another lane's turn: which one (`place.ts`). */
  forwarded: Record<string, string>;
  /** Moved ahead, by days, with every message and every claim: it never expires under a turn. */
  expires: number;
}

export interface Session {
  principal: Principal;
  sessionId: string;
  name?: string;
  /** When it was made: its place in its principal's list. */
  created: number;
  /** When its last turn began. */
  lastActive?: number;
  /** Until when it is in its principal's list, in seconds: renewed by a turn that would outlive that. */
  listed?: number;
  /** When it was deleted: all that is left of it is this item, which keeps its id from being used before it expires. */
  deleted?: number;
  /** Tools whose calls a person has approved for all of the session. */
  trusted?: string[];
  /** Admitted slots. */
  queue: Record<string, { lane: string; at: number }>;
  /** The slot that runs. A hint: its lane may be past it already. */
  active?: { slot: string; lane: string };
  seq: number;
  entry: number;
  audience: Audience;
  expires: number;
}

/** A session's place in its principal's list. All else that a list shows is read from the session itself. */
export interface Listing {
  sessionId: string;
  created: number;
  expires: number;
}

/** What became of a message: final, and the same for whoever asks. */
export type MessageOutcome =
  | { outcome: 'taken'; turn: string; placement: 'turn' | 'steering'; expires: number }
  | { outcome: 'withdrawn'; code: WithdrawalCode; expires: number };

/** What a model answered to a prompt, under the digest of everything that it saw. */
export interface CachedAnswer {
  text: string;
  expires: number;
}

export interface CacheNote {
  expires: number;
}

export type StoredEntry = Entry & { expires: number };

/** How often a principal did something in one window of time. */
export interface RateCount {
  count: number;
  expires: number;
}

export interface StoredEvents {
  events: string[];
  expires: number;
}
