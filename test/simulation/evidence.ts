import type { Entry } from '../../core/events/entries.ts';
import type { TurnEvent } from '../../core/events/events.ts';
import type { CallSetup } from '../../core/model.ts';
import type { EventFrame } from '../../protocol/server-frames.ts';
import type { Served } from './agents.ts';
import type { ClientCalls } from './client-calls.ts';
import type { ModelCall } from './cloud.ts';
import type { Sent } from './device.ts';
import type { HookWatch } from './hooks.ts';
import type { Given } from './parts.ts';
import type { SubagentWatch } from './subagents.ts';

/** What the judge reads of one session's history, simulated or on the local cloud. */
export interface Evidence {
  readonly table: { all(): Iterable<{ pk: string; sk: string; item: Record<string, unknown> }> };
  /** Every event that was ever durable, by `seq`. */
  readonly committed: ReadonlyMap<number, TurnEvent>;
  readonly modelCalls: readonly ModelCall[];
  /** The decision on each approval request. */
  readonly decided?: ReadonlyMap<string, string>;
  /** What agents did that tools ask. */
  readonly subagents?: Pick<SubagentWatch, 'judge'>;
  /** The hooks of the agent. */
  readonly hooks?: HookWatch;
  /** What devices gave for calls of a tool that they run. */
  readonly clientCalls?: ClientCalls;
  /** Complete answers without tool calls, with their prompts. */
  readonly answers?: readonly { messages: unknown[]; text: string; prepared?: unknown }[];
  /** What models and tools were given of their turns, in histories with contexts. */
  readonly setups?: readonly CallSetup[] | undefined;
  /** Which agent made the model calls of a turn, in histories with several agents. */
  readonly agents?: readonly Served[] | undefined;
  /** What the model gave in the calls that it finished, by the call's number, where that was more than text and calls. */
  readonly gave?: ReadonlyMap<number, Given>;
  /** Turns with an abort request. */
  readonly abortsAsked: ReadonlySet<string>;
  /** Messages that a late duplicate of a request brought into a lane. */
  readonly broughtInLate?: ReadonlySet<string>;
  /** What the store refuses for ever. */
  readonly refusal?: { write: string; text: string } | undefined;
  /** Numbers of entries that have expired, or were refused. */
  readonly vanished?: ReadonlySet<number>;
  /** Jobs left in the queue. */
  readonly queued: number;
  /** The budget of earlier turns in a prompt, in tokens. Undefined: no limit. */
  readonly contextTokens?: number;
  /** The summaries that were stored, by the last entry that each is about. */
  readonly summaries?: ReadonlyMap<number, string>;
  /** The answers to `cancel` for messages that a turn had applied. */
  readonly notPending?: readonly { id: string; turn: string; placement: string | undefined }[];
  /** What devices forked, in histories with forks. */
  readonly forks?: { judge(lines: readonly string[], lineOf: (entry: Entry) => string): void };
  violated(promise: string, why: string): void;
}

/** What one client sent and received. */
export interface Witness {
  readonly name: string;
  readonly online: boolean;
  readonly lane: string | undefined;
  readonly connection?: string | undefined;
  /** It is the application, which has no client. */
  readonly isApplication?: boolean;
  readonly sent: ReadonlyMap<string, Sent>;
  readonly seen: ReadonlyMap<number, EventFrame>;
  /** It was told that its session is deleted. */
  readonly bereft?: boolean;
  /** `seq` of the last event that it does not expect. Undefined before its `session_start`. */
  readonly base: number | undefined;
  /** `seq` up to which it received every event. */
  readonly contiguous: number;
}

export const isDeletion = (event: TurnEvent | undefined): boolean =>
  event?.type === 'error' && event.code === 'SESSION_DELETED';

export const isWaiting = ({ acknowledgedAt, outcome, forgotten }: Sent) =>
  acknowledgedAt === undefined && outcome === undefined && !forgotten;
