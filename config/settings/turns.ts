import { type Milliseconds, type Seconds, toMs } from '../units.ts';
import { read } from './read.ts';
import type { Environment, SettingTable } from './setting.ts';

/** How a turn runs. */

export const TURN_SETTINGS = {
  /** Model calls of one turn without a new user message in between. */
  maxSteps: {
    name: 'MIDTURN_MAX_STEPS',
    kind: 'integer',
    unit: 'count',
    range: [1, 1000],
    default: 16,
    functions: ['turn'],
  },
  /**
   * Streamed text of this time is sent as one frame, if it is set. Otherwise the time grows from 60 to 400 ms while an answer goes on. The
   * first text of a step is sent at once, whatever it says.
   */
  flushMs: {
    name: 'MIDTURN_FLUSH_MS',
    kind: 'integer',
    unit: 'milliseconds',
    range: [0, 5000],
    unset: '60 ms, growing to 400',
    functions: ['turn'],
  },
  /**
   * A model call whose provider sends no byte for this time is cancelled. It is repeated once, or the turn ends with the text so
   * far. Comments, pings and arguments of tool calls are bytes.
   */
  modelStallSeconds: {
    name: 'MIDTURN_MODEL_STALL_SECONDS',
    kind: 'integer',
    unit: 'seconds',
    range: [1, 900],
    default: 60,
    functions: ['turn'],
  },
  /** A model call of which nothing can be shown for this time is cancelled too, although its provider sends life signs. */
  modelWaitSeconds: {
    name: 'MIDTURN_MODEL_WAIT_SECONDS',
    kind: 'integer',
    unit: 'seconds',
    range: [1, 900],
    default: 240,
    functions: ['turn'],
  },
  /** The longest pause that a provider may ask for (`retry-after`). A longer one ends the turn, or the fallback model continues. */
  modelPatienceSeconds: {
    name: 'MIDTURN_MODEL_PATIENCE_SECONDS',
    kind: 'integer',
    unit: 'seconds',
    range: [1, 900],
    default: 30,
    functions: ['turn'],
  },
  /**
   * Tokens of earlier turns in a prompt. How many bytes are a token is read from what the provider counted for the session's last
   * turns; before there is such a count, it is estimated as 4. Beyond the budget, the oldest turns are left out, down to half of it,
   * so that the next cut is far away. An agent with `compaction` is shown a summary of them.
   */
  contextTokens: {
    name: 'MIDTURN_CONTEXT_TOKENS',
    kind: 'integer',
    unit: 'tokens',
    range: [0, 2_000_000],
    default: 100_000,
    functions: ['turn'],
  },
  /** How long a tool call waits for a person's approval. After it, the call counts as denied. */
  approvalTimeoutSeconds: {
    name: 'MIDTURN_APPROVAL_TIMEOUT_SECONDS',
    kind: 'integer',
    unit: 'seconds',
    range: [5, 3600],
    default: 120,
    functions: ['turn'],
  },
  /** How long a function waits for an approval. After it, the turn is suspended, and polled every 5 to 60 seconds. */
  approvalHoldSeconds: {
    name: 'MIDTURN_APPROVAL_HOLD_SECONDS',
    kind: 'integer',
    unit: 'seconds',
    range: [0, 30],
    default: 30,
    functions: ['turn'],
  },
  /** Who may share cached answers: nobody, one principal, or one tenant. For agents without tools, at temperature 0. */
  responseCache: {
    name: 'MIDTURN_RESPONSE_CACHE',
    kind: 'choice',
    choices: ['off', 'principal', 'tenant'],
    default: 'off',
    functions: ['turn'],
  },
  /** How long a cached answer is used. */
  responseCacheHours: {
    name: 'MIDTURN_RESPONSE_CACHE_HOURS',
    kind: 'integer',
    unit: 'hours',
    range: [1, 720],
    default: 24,
    functions: ['turn'],
  },
  /** Time limit of one invocation of the turn function. A longer turn continues in the next invocation. */
  turnTimeoutSeconds: {
    name: 'MIDTURN_TURN_TIMEOUT_SECONDS',
    kind: 'integer',
    unit: 'seconds',
    // Lambda stops an invocation after 15 minutes.
    range: [10, 900],
    default: 300,
    functions: ['turn'],
  },
  /**
   * Visibility time-out of a turn's queue message while its worker is alive: after it, a dead worker is replaced. A worker
   * renews it after each third of it, so a tool must not block its thread for longer than two thirds.
   */
  visibilitySeconds: {
    name: 'MIDTURN_VISIBILITY_SECONDS',
    kind: 'integer',
    unit: 'seconds',
    range: [2, 900],
    // A call to SQS may take three seconds, and be repeated, before a worker that is alive counts as dead.
    leastOnDeploy: 10,
    default: 15,
    functions: ['turn'],
  },
} as const satisfies SettingTable;

export interface TurnSettings {
  /** Model calls without a new user message in between. */
  maxSteps: number;
  /** Streamed text of this time becomes one event. Undefined: windows grow (`FlushWindow`). The first text is sent at once. */
  flushMs: Milliseconds | undefined;
  /** A model call whose provider sends no byte for this time is cancelled. */
  stallMs: Milliseconds;
  /** A model call of which nothing can be shown for this time is cancelled. */
  waitMs: Milliseconds;
  /** The longest pause before a repeated model call. */
  patienceMs: Milliseconds;
  /** Estimated tokens of earlier turns in a prompt, at most. */
  contextTokens: number;
  /** How long a tool call waits for a person's approval before it counts as denied. */
  approvalSeconds: Seconds;
  /** How long an invocation waits for an approval. Then the turn is suspended, and polled. */
  approvalHoldMs: Milliseconds;
  /** Who may share cached answers, and for how long. */
  cache: { scope: (typeof TURN_SETTINGS.responseCache.choices)[number]; hours: number };
  /** Time limit of the turn function. */
  turnTimeoutSeconds: Seconds;
  /** Visibility time-out of a turn's queue message while a worker is alive: how soon a dead worker is replaced. */
  visibilitySeconds: Seconds;
}

export function readTurnSettings(env: Environment): TurnSettings {
  return {
    maxSteps: read(env, TURN_SETTINGS.maxSteps),
    flushMs: read(env, TURN_SETTINGS.flushMs),
    stallMs: toMs(read(env, TURN_SETTINGS.modelStallSeconds)),
    waitMs: toMs(read(env, TURN_SETTINGS.modelWaitSeconds)),
    patienceMs: toMs(read(env, TURN_SETTINGS.modelPatienceSeconds)),
    contextTokens: read(env, TURN_SETTINGS.contextTokens),
    approvalSeconds: read(env, TURN_SETTINGS.approvalTimeoutSeconds),
    approvalHoldMs: toMs(read(env, TURN_SETTINGS.approvalHoldSeconds)),
    cache: {
      scope: read(env, TURN_SETTINGS.responseCache),
      hours: read(env, TURN_SETTINGS.responseCacheHours),
    },
    turnTimeoutSeconds: read(env, TURN_SETTINGS.turnTimeoutSeconds),
    visibilitySeconds: read(env, TURN_SETTINGS.visibilitySeconds),
  };
}
