import type { CountMetric, SplitMetric, TimeMetric } from '../config/metrics.ts';
import { type EpochMs, type Milliseconds, type Seconds, seconds } from '../config/units.ts';
import type { ConnectionId, LaneId, SessionKey, SlotId, TurnId } from './ids.ts';
import type { Key } from './store/keys.ts';
import type { Listening } from './store/listening.ts';
import type { Update } from './store/update.ts';

/** What the core needs from outside. It reads no clock, no random source and no environment by itself. */

export type Written<T> = { ok: true; item: T } | { ok: false };

/**
 * Items under a primary key. Each call is atomic on one item and reads consistently. Throws when the store fails; an error
 * named `ValidationException` says that it never accepts this write.
 */
export interface Store {
  get<T>(key: Key<T>): Promise<T | undefined>;
  put<T>(key: Key<T>, item: NoInfer<T>): Promise<void>;
  /** False: something is there already. */
  putIfAbsent<T>(key: Key<T>, item: NoInfer<T>): Promise<boolean>;
  /**
   * Makes one conditional write. `ok: false` means that a condition did not hold when the answer was made. After an
   * ambiguous failure the store may have made the write and refused its own repeat, so a caller that is refused reads the
   * item.
   */
  update<T>(key: Key<T>, update: Update<T>): Promise<Written<T>>;
  delete<T>(key: Key<T>): Promise<void>;
  /** The keys of items of one partition, at most `limit` of them. */
  keys<T>(from: Key<T>, to: Key<T>, limit: number): Promise<Key<T>[]>;
  /** Items of one partition with sort keys from `from` to `to`, both included, in that order or backwards. */
  query<T>(from: Key<T>, to: Key<T>, options?: { backwards?: boolean; limit?: number }): Promise<T[]>;
}

/** A message of the session's FIFO group: "this slot has work". */
export interface TurnJob {
  session: SessionKey;
  lane: LaneId;
  slot: SlotId;
}

/** "What the cut before entry `from` left out of prompts has no summary yet." */
export interface CompactionJob {
  session: SessionKey;
  from: number;
}

/** "This turn has ended, and what follows it is to be done." */
export interface EndedTurnJob {
  session: SessionKey;
  lane: LaneId;
  turn: TurnId;
  /** `seq` of its first event. */
  first: number;
}

/** A request to delete a session, and what late writers still add to it until `until`. */
export interface Deletion {
  session: SessionKey;
  /** When the deletion was requested. A session made later is another one. */
  at: EpochMs;
  /** Until when a function that had begun before may still write. */
  until: EpochMs;
}

/** A replay that another function is to go on with, if it still stands at `mark` in the audience. */
export interface ReplayJob {
  connection: ConnectionId;
  mark: Listening;
}

/** A connection that is told of its session if it is silent. */
export interface GreetingJob {
  connection: ConnectionId;
}

/** A fork that another function is to complete. */
export interface ForkJob {
  /** The fork. */
  session: SessionKey;
  /** Who asked for it, and is told. */
  connection: ConnectionId;
}

export interface Queues {
  /**
   * Sends a turn job to the session's group. `sender` makes the deduplication id unique per sender. Otherwise SQS could
   * drop a job as a repeat of one that is consumed already, and nobody would run the slot.
   */
  sendJob(job: TurnJob, sender: string): Promise<void>;
  /**
   * Invokes the turn function for the summary, beside the session's turns: in a group of its own. `sender` is unique to the turn
   * that asks.
   */
  sendCompaction(job: CompactionJob, sender: string): Promise<void>;
  /**
   * Invokes the turn function for what follows a turn's end, beside the session's turns, one after the other. `sender` makes the
   * deduplication id unique.
   */
  sendEnded(job: EndedTurnJob, sender: string): Promise<void>;
  /** Invokes the deadline function for the slot after a delay (at most 900 seconds). */
  sendDeadline(job: TurnJob, delay: Seconds): Promise<void>;
  /** Invokes the deadline function for the deletion after a delay (at most 900 seconds). */
  sendDeletion(deletion: Deletion, delay: Seconds): Promise<void>;
  /** Invokes the deadline function for the replay after a delay (at most 900 seconds). */
  sendReplay(job: ReplayJob, delay: Seconds): Promise<void>;
  /** Invokes the deadline function for the connection after a delay (at most 900 seconds). */
  sendGreeting(job: GreetingJob, delay: Seconds): Promise<void>;
  /** Invokes the deadline function for the fork after a delay (at most 900 seconds). */
  sendFork(job: ForkJob, delay: Seconds): Promise<void>;
}

export interface Gateway {
  /**
   * Makes one attempt, of two seconds at most (`post` in core/post.ts repeats it). `gone`: this connection will never
   * receive anything again. `unanswered`: nobody knows whether the frame arrived. Throws when the post failed otherwise.
   */
  post(connection: ConnectionId, frame: string): Promise<'sent' | 'gone' | 'unanswered'>;
  /**
   * Closes a connection, in one attempt of less than a second. Its client connects again and resumes. Does nothing if the
   * connection is gone. Throws when it was refused. Closed or not, a later post of this execution environment finds it gone.
   */
  disconnect(connection: ConnectionId): Promise<'closed' | 'unanswered'>;
}

/** Something that happened in a session, for other systems of the account: ids, names, figures, and nothing that anybody said. */
export interface BusEvent {
  type: 'Turn Ended' | 'Session Deleted' | 'Approval Requested';
  at: EpochMs;
  /** Fields in snake case. `id` is the same in each repeat of the event, and in no other event. */
  detail: Readonly<Record<string, unknown>> & { id: string };
}

export interface EventBus {
  /** Throws unless the bus has taken all of them. One of them may be taken all the same. */
  put(events: readonly BusEvent[]): Promise<void>;
}

/**
 * Seals a user's token, so that whoever reads the table does not have it.
 *
 * @param boundTo without exactly this, it cannot be opened
 */
export type SealToken = (token: string, boundTo: string) => string;

/**
 * Opens what `SealToken` has sealed.
 *
 * @throws if it was sealed with another key or for another place, or the key cannot be read
 */
export type OpenToken = (sealed: string, boundTo: string) => Promise<string>;

/** Where a client puts the bytes of a file. */
interface UploadAddress {
  url: string;
  /** To be sent with the bytes. */
  headers: Readonly<Record<string, string>>;
}

/** The bytes of files, under keys that `objectKey` makes. What is put once never changes. */
export interface Files {
  /** An address that takes exactly so many bytes, once. It is good for `UPLOAD_SECONDS`. */
  uploadAddress(key: string, as: { type: string; size: number }): Promise<UploadAddress>;
  /** An address to read from, for `DOWNLOAD_SECONDS`. A browser runs nothing of what it gives. */
  downloadAddress(key: string, as: { type: string; name?: string }): Promise<string>;
  /** The first bytes, and the size of all. Undefined: there is nothing. */
  begin(key: string, bytes: number): Promise<{ bytes: Uint8Array; size: number } | undefined>;
  /** In base64. Undefined: there is nothing. */
  read(key: string): Promise<string | undefined>;
  /** False: there is something already, and it stays. */
  put(key: string, bytes: Uint8Array, type: string): Promise<boolean>;
  /** A repeat changes nothing. False: there is nothing at `from`. */
  copy(from: string, to: string): Promise<boolean>;
  /** Also of what is not there. */
  delete(key: string): Promise<void>;
}

/** How long an address takes an upload: shorter than the deletion of a session waits before it removes the last things. */
export const UPLOAD_SECONDS = seconds(10 * 60);
/** How long an address can be read from: a page asks again. */
export const DOWNLOAD_SECONDS = seconds(10 * 60);

export interface Clock {
  now(): EpochMs;
  /** Resolves after `duration`, or at once when `signal` aborts; never rejects. */
  sleep(duration: Milliseconds, signal?: AbortSignal): Promise<void>;
}

/** Unique, unguessable, at most 64 visible ASCII characters. */
export type NewId = () => string;

/** Structured log lines: ids, codes and figures, never message content, tokens or secrets. */
export interface Log {
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
  /** The same log, with these fields in every line. */
  with(fields: Record<string, unknown>): Log;
}

/** What happens to every message, and to the turn that answers it. docs/operations.md has the fields of each. */
export type Milestone =
  | 'message accepted'
  | 'turn enqueued'
  | 'turn claimed'
  | 'messages applied'
  | 'first text'
  | 'turn ended';

/** Lines of the log about healthy messages. A deployment may have them for a part of its sessions. */
export interface Milestones {
  /** `fields`: ids, figures and durations in milliseconds, as those of `Log`. */
  reached(milestone: Milestone, session: SessionKey, fields: Record<string, unknown>): void;
}

/** Counts and times for operators, by the names of `METRICS` (config/metrics.ts). */
export interface Metrics {
  count(name: CountMetric, value?: number): void;
  /** `part`: the value of the metric's dimension. */
  countBy(name: SplitMetric, part: string, value?: number): void;
  time(name: TimeMetric, duration: Milliseconds): void;
}
