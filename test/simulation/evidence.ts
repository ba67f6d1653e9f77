import type { TurnEvent } from '../../core/events/events.ts';
import type { EventFrame } from '../../protocol/server-frames.ts';
import type { ModelCall } from './cloud.ts';
import type { Sent } from './device.ts';

/** What one session's history left behind, whether it was simulated or lived through on the local cloud. */
export interface Evidence {
  readonly table: { all(): Iterable<{ pk: string; sk: string; item: Record<string, unknown> }> };
  /** Every event that was ever durable, by `seq`. */
  readonly committed: ReadonlyMap<number, TurnEvent>;
  readonly modelCalls: readonly ModelCall[];
  /** What was decided of each request for approval. */
  readonly decided?: ReadonlyMap<string, string>;
  /** Whole answers without a call of a tool, by the prompt that they were given to. */
  readonly answers?: readonly { messages: unknown[]; text: string }[];
  /** Turns that somebody asked to stop. */
  readonly abortsAsked: ReadonlySet<string>;
  /** Tokens that nobody has consumed. */
  readonly queued: number;
  /** What earlier turns may take of a prompt; without it, anything. */
  readonly contextTokens?: number;
  /** What `cancel` was told of messages that could not be withdrawn any more. */
  readonly notPending?: readonly { id: string; turn: string; placement: string | undefined }[];
  violated(promise: string, why: string): void;
}

/** What one client sent and saw. */
export interface Witness {
  readonly name: string;
  readonly online: boolean;
  readonly lane: string | undefined;
  readonly connection?: string | undefined;
  readonly sent: ReadonlyMap<string, Sent>;
  readonly seen: ReadonlyMap<number, EventFrame>;
  /** It knows that its session is deleted. */
  readonly bereft?: boolean;
  /** The last event before those that it wants to see; undefined until it was greeted. */
  readonly base: number | undefined;
  /** The last event up to which it has seen every one. */
  readonly contiguous: number;
}

export const isDeletion = (event: TurnEvent | undefined): boolean =>
  event?.type === 'error' && event.code === 'SESSION_DELETED';

export const isWaiting = ({ acknowledgedAt, outcome, forgotten }: Sent) =>
  acknowledgedAt === undefined && outcome === undefined && !forgotten;
