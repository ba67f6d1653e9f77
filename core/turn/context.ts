import type { TurnSettings } from '../../config/settings/turns.ts';
import { type Milliseconds, milliseconds } from '../../config/units.ts';

import type { Core } from '../core.ts';
import type { Hooks } from '../hooks.ts';
import type {
  Budgeting,
  Caller,
  CallPreparation,
  LoopControl,
  Model,
  Toolbox,
  ToolCall,
  TurnObserver,
} from '../model.ts';
import type { Session } from '../store/items.ts';

/** How a session is given one of several agents. */
export interface AgentChoice {
  /**
   * @param asked the name that the client asked for
   * @returns the name of the agent, or undefined: none for them
   * @throws what the agent's code throws
   */
  choose(who: Pick<Caller, 'principal' | 'claims'>, asked: string | undefined): Promise<string | undefined>;
}

/** An agent that a tool of another one asks. */
export interface Subagent {
  /** Its models and tools. None of the tools waits for a user or a client. */
  serve(): Promise<SessionAgent>;
  /** What a call asks it, or why the call's input does not fit. Must not throw. */
  promptOf(call: ToolCall): Promise<{ prompt: string } | { complaint: string }>;
}

/** What serves a session: its models and its tools. */
export interface SessionAgent {
  /** Its name among several. */
  name?: string;
  /**
   * Present if the session has none of several agents yet, or one that does not exist any more (`gone`). What stands beside it is the
   * default agent's, and serves no message.
   */
  choice?: AgentChoice | 'gone';
  model: Model;
  /** Goes on with a turn whose model fails before anything of a call is visible. */
  fallback?: Model;
  toolbox: Toolbox;
  /** By the names of the tools that ask them. Undefined: there are none. */
  subagents?: ReadonlyMap<string, Subagent>;
  /** Makes the model that summarises what a cut leaves out of prompts. Undefined: nothing does. */
  compactor?: () => Promise<Model>;
  /** Makes the model that writes the titles of sessions. Undefined: nothing does. */
  titler?: () => Promise<Model>;
  /** Undefined: the agent's code decides nothing between steps. */
  control?: LoopControl;
  /** Undefined: no code of the agent looks on. */
  observer?: TurnObserver;
  /** Undefined: the agent has no hooks. */
  hooks?: Hooks;
  /** Undefined: the agent's code is not asked when a turn begins, and messages have no options. */
  preparation?: CallPreparation;
  /** Undefined: nobody has a budget, and nothing is counted. */
  budgeting?: Budgeting;
}

/** What a worker is given beside the core. */
export interface WorkerContext {
  core: Core;
  /** The agent that serves a session. Asked once for each turn that is claimed, and again when the session is given one. */
  agentFor(session: Pick<Session, 'agent'>): Promise<SessionAgent>;
  settings: Pick<
    TurnSettings,
    | 'maxSteps'
    | 'flushMs'
    | 'stallMs'
    | 'waitMs'
    | 'patienceMs'
    | 'contextTokens'
    | 'cache'
    | 'approvalSeconds'
    | 'approvalHoldMs'
  >;
  /** How long until this invocation is ended from outside. Below `reserveMs` the turn is handed over. */
  remainingMs(): Milliseconds;
  reserveMs: Milliseconds;
  /** No tool is given longer than this, so that a fresh invocation can always finish a batch. */
  maxToolMs: Milliseconds;
}

/** What a turn is given: the worker's context, with the agent of its session. */
export type TurnContext = Omit<WorkerContext, 'agentFor'> & SessionAgent;

/** Whether the agent's code looks back at the steps of a turn. */
export const looksBack = ({ control, observer, hooks }: SessionAgent): boolean =>
  control !== undefined || observer !== undefined || hooks?.afterStep !== undefined;

export const timeIsShort = (context: Pick<WorkerContext, 'remainingMs' | 'reserveMs'>): boolean =>
  context.remainingMs() < context.reserveMs;

/** While nothing is committed, the lane is read this often: an abort takes effect within it. */
export const LANE_POLL_MS = milliseconds(500);
