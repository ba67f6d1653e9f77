import type { Milliseconds } from '../config/units.ts';
import type { ErrorCode } from '../protocol/errors.ts';
import type { Content } from './content.ts';
import type { MessageId } from './ids.ts';
import type { Json } from './json.ts';
import type { CallSetup, PromptMessage, StepFacts, ToolCall, ToolOutcome } from './model.ts';

/** The points of a turn at which the agent's code is called, and what it may decide there. */

export const HOOKS = ['beforeTurn', 'beforeToolCall', 'afterToolCall', 'afterStep', 'afterTurn'] as const;
export type HookName = (typeof HOOKS)[number];

/** Where a hook is called. */
export interface HookCall {
  setup: CallSetup;
  /** Of several agents. */
  agent?: string;
  /** The same whenever a hook is called again for the same thing. */
  idempotencyKey: string;
  /** Aborts when the hook has taken too long. */
  signal: AbortSignal;
}

/** The hook does not allow it, for this reason. */
export interface Refusal {
  refuse: string;
}

/** Messages that the next model call reads first. */
interface NewMessages {
  messages: readonly { id: MessageId; content: Content }[];
  /** They join a turn whose model has been called before. */
  steering: boolean;
}

/** A turn that is over. */
export interface EndedTurn {
  outcome: 'done' | 'aborted' | 'error';
  /** With `error`. */
  code?: ErrorCode;
  /** What was said in the turn, in its order. */
  messages: readonly PromptMessage[];
  /** All text of the turn. */
  text: string;
  /** Model calls. */
  steps: number;
  /** In the fields of `done`. */
  usage: Readonly<Record<string, unknown>>;
  /** Of the last call. */
  provider?: string;
  model?: string;
}

/**
 * The hooks of an agent. Each may throw, and may take longer than its limit: then it has failed. An answer of undefined changes
 * nothing.
 */
export interface Hooks {
  limitMs(hook: HookName): Milliseconds;
  /** Before the first model call that reads these messages. */
  beforeTurn?(begin: NewMessages, at: HookCall): Promise<Refusal | undefined>;
  /** Before a call is committed. `args`: what it is called with instead. */
  beforeToolCall?(call: ToolCall, at: HookCall): Promise<Refusal | { args: Json } | undefined>;
  /** Before a result is committed. */
  afterToolCall?(
    call: ToolCall,
    outcome: ToolOutcome,
    at: HookCall,
  ): Promise<Refusal | ToolOutcome | undefined>;
  /** @param number of the step, from 1 */
  afterStep?(step: StepFacts, number: number, at: HookCall): Promise<void>;
  afterTurn?(turn: EndedTurn, at: HookCall): Promise<void>;
}
