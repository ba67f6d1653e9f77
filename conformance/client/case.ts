import type { ClientFrame, ToolOutputFrame } from '../../protocol/client-frames.ts';
import type { EventFrame, ReplyFrame, SessionStart } from '../../protocol/server-frames.ts';
import type { Check } from '../rule.ts';

/**
 * What the client under test is told to do, as a line of JSON on its standard input. `name` names a message on this side alone:
 * the client chooses its id.
 */
export type Order =
  /** Connects to the session, and stays connected as the client usually does. `tokens`: the next one for each connection, the last one from then on. */
  | { do: 'open'; url: string; session: string; tokens?: readonly string[] }
  | { do: 'send'; name: string; content: string; delivery?: 'steer' | 'queue' | 'now' }
  | { do: 'cancel'; name: string }
  | { do: 'abort' }
  | { do: 'approve'; request_id: string; decision: 'approve' | 'deny' | 'always' }
  /** From now on the client runs this tool whenever it is asked to, and gives this output. */
  | { do: 'run_tool'; tool: string; output: Extract<ToolOutputFrame['output'], object> }
  /** Closes the client. Its process ends. */
  | { do: 'close' };

/** What a client may not be able to do. Cases that need it are skipped. */
export const FEATURES = ['cancel', 'abort', 'approvals', 'tools'] as const;
export type Feature = (typeof FEATURES)[number];

/** A part of a JSON value: an object matches one that has its fields, anything else what is equal to it. */
export type Pattern = Readonly<Record<string, unknown>>;

type Added = 'seq' | 'turn_id' | 'offset' | 'full_response';
type Unnumbered<E> = E extends { type: 'done' }
  ? { type: 'done' }
  : E extends { seq: number }
    ? Omit<E, Added>
    : never;
/** An event without what the server adds. Of an unknown type, to see whether the client ignores it. */
export type NewEvent = Unnumbered<EventFrame> | { type: 'x-mystery'; [field: string]: unknown };

/** What the server sends. `$a` in a text stands for the id of the message `a`. */
export type Post =
  /** A new event of the session, which is stored and sent. */
  | { event: NewEvent }
  /** A new event that is stored. The connection does not get it. */
  | { unsent: NewEvent }
  /** A stored event, by its number: again, or later than others. */
  | { seq: number }
  | { reply: ReplyFrame | { type: 'x-mystery'; [field: string]: unknown } }
  /** A text that is no frame of the protocol. */
  | { text: string };

/** How the next `connect` is answered. Without it: `session_start`, the events after `after_seq`, `connected`. */
export interface Answer {
  /** Fields of `session_start` that differ. */
  start?: Partial<SessionStart>;
  /** `session_start` comes twice (docs/protocol.md, 4.2.3). */
  startTwice?: true;
  /** What is sent in place of the events after `after_seq`. */
  replay?: readonly Post[];
  /** The connection is lost after so many events of the replay. */
  cutAfter?: number;
  /** Nothing is sent before the step `release`. */
  hold?: true;
}

export type Step =
  | { tell: Order }
  /** Waits until the client has sent a frame that matches. Each frame is taken once. */
  | { expect: Pattern & { type: ClientFrame['type'] } }
  | { post: readonly Post[] }
  | { answerNext: Answer }
  | { release: 'connect' }
  /** The next handshakes are refused with these statuses. */
  | { refuseNext: readonly number[] }
  /** Ends the connection: as a lost network does (1006), or with this close code. */
  | { cut: number }
  /** Waits until the client has reported exactly these events (of known types), and these states of messages. */
  | { see: { events?: readonly number[]; messages?: Readonly<Record<string, string>> } }
  /** Up to now, and for this long, the client must not send such a frame (beside those that steps expected), or from now on connect. */
  | { quiet: 'connection' | ClientFrame['type']; ms: number }
  /** The next connection must have brought this token, in one of the ways of 4.1.5. */
  | { token: string };

/** A scene with a client, as data. Its server does what the protocol lets a server and a network do. */
export interface Case extends Check {
  needs?: readonly Feature[];
  /** Entries of the transcript, for `history`. */
  transcript?: readonly Readonly<Record<string, unknown>>[];
  steps: readonly Step[];
}

/** What a client tells, as a line of JSON on its standard output. */
export type Told =
  /** The first line: it takes orders. `cannot`: features that it does not have. */
  | { ready: true; cannot?: readonly Feature[] }
  /** An event, as it hands it to an application: each once and in order. */
  | { event: Pattern }
  /** A message has this state now. */
  | { message: string; status: 'accepted' | 'queued' | 'applied' | 'cancelled' | 'rejected'; code?: string };
