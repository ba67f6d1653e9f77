import type { ModelMessage, StepResult, ToolSet } from 'ai';
import { type Milliseconds, milliseconds, seconds, toMs } from '../../config/units.ts';
import type { EndedTurn, HookCall, HookName, Hooks } from '../../core/hooks.ts';
import { HOOKS } from '../../core/hooks.ts';
import type { Json } from '../../core/json.ts';
import type { Caller, PromptMessage, ToolCall } from '../../core/model.ts';
import type { Content } from '../../protocol/content.ts';
import { toModelMessages } from '../providers/prompt.ts';
import { sdkSteps } from './sdk-steps.ts';
import { strictJson } from './strict-json.ts';

/** What every hook is given. */
export interface HookEvent {
  /** Who asks, in which session and turn. */
  caller: Caller;
  /** Of several agents (`defineAgents`), the one that answers. */
  agent?: string;
  /** The same whenever the hook is called again for the same thing. */
  idempotencyKey: string;
  /** Aborts at the hook's time limit. */
  abortSignal: AbortSignal;
}

/** A hook, or a hook with a time limit of its own. */
export type Hook<E, R = void> =
  | ((event: E & HookEvent) => R | PromiseLike<R>)
  | {
      run: (event: E & HookEvent) => R | PromiseLike<R>;
      /** Above 0. At most 10, and 300 for `afterTurn`. @default 10, and 30 for `afterTurn` */
      timeoutSeconds: number;
    };

/** Does not allow it. The reason is shown: to the user, or to the model. */
export interface Refuse {
  refuse: string;
}

export interface HookToolCall {
  toolCallId: string;
  toolName: string;
  input: unknown;
}

/** How a turn ended. */
export interface TurnReport {
  outcome: 'done' | 'aborted' | 'error';
  /** With `error`: its code. */
  code?: string;
  /** What was said in the turn, messages that were refused among it. */
  messages: ModelMessage[];
  /** All text of the turn. */
  text: string;
  /** Model calls. */
  steps: number;
  usage: TurnReportUsage;
  /** Of the last model call. */
  provider?: string;
  model?: string;
}

/** What the model calls of a turn used, as in `done`. */
export interface TurnReportUsage {
  inputTokens: number;
  outputTokens: number;
  /** In `currency`, where each model has a price. */
  cost?: number;
  currency?: string;
}

/**
 * Code of a team at five points of a turn. A turn waits for each of them but `afterTurn`. A hook that throws, or takes too long, has
 * failed: see docs/hooks.md.
 */
export interface AgentHooks {
  /**
   * Before the first model call that reads these messages: those that begin a turn, and each that steers it. `refuse` ends the turn with
   * `TURN_REFUSED`, and no later prompt has the messages.
   *
   * @example beforeTurn: ({ messages }) => (messages.some(isAbusive) ? { refuse: 'I do not answer this.' } : undefined)
   */
  beforeTurn?: Hook<
    { messages: readonly { id: string; content: Content }[]; steering: boolean },
    // biome-ignore lint/suspicious/noConfusingVoidType: a hook that returns nothing is one that allows
    Refuse | undefined | void
  >;
  /**
   * Before a call is committed, shown, approved and run. `input` takes the place of what the model gave. `refuse` is told to the model
   * as the call's error.
   */
  beforeToolCall?: Hook<
    { toolCall: HookToolCall },
    // biome-ignore lint/suspicious/noConfusingVoidType: as above
    Refuse | { input: unknown } | undefined | void
  >;
  /** Before the result of a call is committed. `output` takes the place of what the tool gave. */
  afterToolCall?: Hook<
    { toolCall: HookToolCall; output: unknown; isError: boolean },
    // biome-ignore lint/suspicious/noConfusingVoidType: as above
    Refuse | { output: unknown } | undefined | void
  >;
  /** After a model call and all its tools. */
  afterStep?: Hook<{ step: StepResult<ToolSet> }>;
  /** After a turn, beside the next one. */
  afterTurn?: Hook<TurnReport>;
}

const LONGEST_SECONDS = 10;
const LONGEST_AFTER_TURN_SECONDS = 300;
const AFTER_TURN_SECONDS = 30;

/** The agent's hooks, as a turn calls them. Undefined: it has none. */
export function hooksOf({ hooks }: { hooks?: AgentHooks }): Hooks | undefined {
  if (!hooks || Object.values(hooks).every((hook) => hook === undefined)) return undefined;
  const { beforeTurn, beforeToolCall, afterToolCall, afterStep, afterTurn } = hooks;
  return {
    limitMs: (name) => limitOf(hooks, name),
    ...(beforeTurn && {
      async beforeTurn(begin, at) {
        const answer = answerOf('beforeTurn', await run(beforeTurn, begin, at));
        if (answer === undefined) return undefined;
        return { refuse: reasonIn('beforeTurn', answer) };
      },
    }),
    ...(beforeToolCall && {
      async beforeToolCall(call, at) {
        const answer = answerOf(
          'beforeToolCall',
          await run(beforeToolCall, { toolCall: toolCallOf(call) }, at),
        );
        if (answer === undefined) return undefined;
        if (!('input' in answer)) return { refuse: reasonIn('beforeToolCall', answer) };
        return { args: jsonIn('beforeToolCall', answer.input) };
      },
    }),
    ...(afterToolCall && {
      async afterToolCall(call, { output, isError }, at) {
        const event = { toolCall: toolCallOf(call), output, isError };
        const answer = answerOf('afterToolCall', await run(afterToolCall, event, at));
        if (answer === undefined) return undefined;
        if (!('output' in answer)) return { refuse: reasonIn('afterToolCall', answer) };
        // What the tool showed the model in place of its output may hold what is taken out.
        return { output: jsonIn('afterToolCall', answer.output), isError };
      },
    }),
    ...(afterStep && {
      async afterStep(facts, number, at) {
        const [step] = sdkSteps([facts]);
        if (step) await run(afterStep, { step: { ...step, callId: turnOf(at), stepNumber: number - 1 } }, at);
      },
    }),
    ...(afterTurn && {
      async afterTurn(turn, at) {
        await run(afterTurn, reportOf(turn), at);
      },
    }),
  };
}

const turnOf = ({ setup }: HookCall): string => setup.caller.turnId;

async function run<E, R>(
  hook: Hook<E, R>,
  event: E,
  { setup, agent, idempotencyKey, signal }: HookCall,
): Promise<R> {
  const call = typeof hook === 'function' ? hook : hook.run;
  const { caller } = setup;
  return await call({
    ...event,
    caller,
    ...(agent !== undefined && { agent }),
    idempotencyKey,
    abortSignal: signal,
  });
}

const toolCallOf = ({ id, name, args }: ToolCall): HookToolCall => ({
  toolCallId: id,
  toolName: name,
  input: args,
});

/** @throws {TypeError} for what is no answer of a hook */
function answerOf(hook: HookName, answer: unknown): object | undefined {
  if (answer === undefined || answer === null) return undefined;
  if (typeof answer !== 'object') throw new TypeError(`${hook} returned no object`);
  return answer;
}

function reasonIn(hook: HookName, answer: object): string {
  if ('refuse' in answer && typeof answer.refuse === 'string') return answer.refuse;
  throw new TypeError(`${hook} returned neither a reason to refuse nor what it may change`);
}

function jsonIn(hook: HookName, value: unknown): Json {
  const json = strictJson(value);
  if (json === undefined) throw new TypeError(`what ${hook} returned is no JSON`);
  return json;
}

function limitOf(hooks: AgentHooks, name: HookName): Milliseconds {
  const hook = new Map(Object.entries(hooks)).get(name);
  const own = typeof hook === 'object' ? hook.timeoutSeconds : undefined;
  return milliseconds(toMs(seconds(own ?? (name === 'afterTurn' ? AFTER_TURN_SECONDS : LONGEST_SECONDS))));
}

function reportOf({ messages, usage, ...turn }: EndedTurn): TurnReport {
  const { input_tokens, output_tokens, cost, currency } = usage;
  return {
    ...turn,
    messages: toModelMessages(messages.map(withoutVerbatim), { asksToGoOn: false }),
    usage: {
      inputTokens: Number(input_tokens ?? 0),
      outputTokens: Number(output_tokens ?? 0),
      ...(typeof cost === 'number' && { cost }),
      ...(typeof currency === 'string' && { currency }),
    },
  };
}

/** What is a provider's own is of no use to others. */
function withoutVerbatim(message: PromptMessage): PromptMessage {
  if (message.role !== 'assistant') return message;
  const { verbatim: _, ...said } = message;
  return said;
}

/** Returns what is wrong with the hooks of a definition. */
export function complaintAboutHooks(hooks: object): string | undefined {
  for (const [name, hook] of Object.entries(hooks)) {
    if (!HOOKS.some((known) => known === name)) return `there is no hook ${name}.`;
    if (hook === undefined || typeof hook === 'function') continue;
    const { run, timeoutSeconds } = (hook ?? {}) as { run?: unknown; timeoutSeconds?: unknown };
    if (typeof run !== 'function') return `${name} is neither a function nor { run, timeoutSeconds }.`;
    const most = name === 'afterTurn' ? LONGEST_AFTER_TURN_SECONDS : LONGEST_SECONDS;
    if (typeof timeoutSeconds !== 'number' || !(timeoutSeconds > 0 && timeoutSeconds <= most))
      return `timeoutSeconds of ${name} must be above 0 and at most ${most}.`;
  }
  return undefined;
}
