import { type Milliseconds, milliseconds } from '../../config/units.ts';
import { wellFormed } from '../../protocol/text.ts';
import type { EndedTurn, HookCall, HookName, Hooks, Refusal } from '../hooks.ts';
import type { MessageId } from '../ids.ts';
import { fittingLength } from '../json-bytes.ts';
import type { ToolCall, ToolOutcome } from '../model.ts';
import { asked, nameOf } from './agents-code.ts';
import type { TurnContext } from './context.ts';
import type { LeasedTurn } from './leased-turn.ts';
import { beginHook } from './spans.ts';
import { stepsOf, wholeSteps } from './steps.ts';

/**
 * Calls the agent's hooks. Each has a time limit. One that fails is logged by its name and counted, and its caller does what is safe
 * without an answer: a turn ends, a call does not run, an output is withheld. A hook that only looks on changes nothing.
 */

/** Of a reason for a refusal, as JSON. */
const MAX_REASON_BYTES = 2000;

type Asker = Pick<TurnContext, 'core' | 'hooks' | 'name'>;
type Where = Pick<LeasedTurn, 'id' | 'setup'>;
/** Whose calls are checked: the turn's, or those of a subagent of it. */
export type CallPlace = Where & Pick<LeasedTurn, 'session' | 'checkedCalls'>;

const FAILED = Symbol('failed');
type Failed = typeof FAILED;

/** @param key what the hook is called for, within the turn */
async function ask<T>(
  { core, hooks, name: agent }: Asker,
  { id, setup }: Where,
  { hook, key, ms }: { hook: HookName; key: string; ms?: Milliseconds },
  answer: (hooks: Hooks, at: HookCall) => Promise<T> | undefined,
): Promise<T | undefined | Failed> {
  if (!hooks?.[hook]) return undefined;
  const span = beginHook(core.tracer, hook, id);
  const late = new AbortController();
  const at: HookCall = {
    setup,
    ...(agent !== undefined && { agent }),
    idempotencyKey: `${id}:${key}`,
    signal: late.signal,
  };
  try {
    return await asked(core.clock, hook, Promise.resolve(answer(hooks, at)), ms ?? hooks.limitMs(hook));
  } catch (error) {
    late.abort('time limit');
    core.metrics.countBy('HookFailures', hook);
    core.log.error('a hook of the agent failed', { turn: id, hook, error: nameOf(error) });
    span.end({}, 'hook_failed');
    return FAILED;
  } finally {
    span.end();
  }
}

/** The reason, as far as a frame has room for it. */
function refusedBy({ core }: Asker, hook: HookName, { refuse }: Refusal): string {
  core.metrics.countBy('HookRefusals', hook);
  const reason = wellFormed(refuse.trim());
  return reason.slice(0, fittingLength(reason, MAX_REASON_BYTES));
}

const isRefusal = (answer: object): answer is Refusal => 'refuse' in answer;

/** A turn ends before its next model call. No later prompt has these messages. */
export interface TurnRefusal {
  code: 'TURN_REFUSED' | 'HOOK_FAILED';
  message: string;
  retryable: boolean;
  refused: MessageId[];
}

/** The hooks of one turn, as far as this worker has called them. */
export class TurnHooks {
  readonly #turn: LeasedTurn;
  readonly #context: TurnContext;
  /** `seq` of the last `applied` of which the hook allowed the messages. */
  #allowed = 0;

  constructor(turn: LeasedTurn, context: TurnContext) {
    this.#turn = turn;
    this.#context = context;
  }

  /**
   * Asks whether the next model call may read the messages that none has read. A worker that takes over before that call is
   * finished asks again.
   *
   * @returns `asked`: it may, and the lane may have changed meanwhile. Undefined: there was nothing to ask.
   */
  async beforeTurn(): Promise<TurnRefusal | 'asked' | undefined> {
    const { usage, events } = this.#turn;
    if (!this.#context.hooks?.beforeTurn) return undefined;
    const applied = events.flatMap((event) =>
      event.type === 'applied' &&
      /* rule: unread-message-is-checked */ event.step > usage.steps &&
      event.seq > this.#allowed
        ? event
        : [],
    );
    const last = applied.at(-1);
    if (!last) return undefined;
    const messages = applied.flatMap((event) => event.messages.map(({ id, content }) => ({ id, content })));
    const answer = await ask(
      this.#context,
      this.#turn,
      { hook: 'beforeTurn', key: `before:${last.seq}` },
      (hooks, at) => hooks.beforeTurn?.({ messages, steering: usage.steps > 0 }, at),
    );
    const refused = messages.map(({ id }) => id);
    if (answer === FAILED) return { ...HOOK_FAILED, refused };
    if (answer === undefined) {
      this.#allowed = last.seq;
      return 'asked';
    }
    const message = refusedBy(this.#context, 'beforeTurn', answer) || NOT_ANSWERED;
    return { code: 'TURN_REFUSED', message, retryable: false, refused };
  }

  /**
   * Tells of steps that are over, and remembers it with the next commit: a worker that dies before that has told of them, and
   * another one tells again.
   */
  async afterSteps(): Promise<void> {
    const turn = this.#turn;
    if (!this.#context.hooks?.afterStep) return;
    const whole = wholeSteps(turn);
    const { hooked = 0 } = turn.usage;
    if (whole <= hooked) return;
    const steps = stepsOf(turn);
    for (const [i, step] of steps.slice(hooked, whole).entries()) {
      const number = hooked + i + 1;
      await ask(this.#context, turn, { hook: 'afterStep', key: `step:${number}` }, (hooks, at) =>
        hooks.afterStep?.(step, number, at),
      );
    }
    turn.usage = { ...turn.usage, hooked: whole };
  }
}

/**
 * What is called, or why it is not. It is asked before the call is committed, so that what it changes is what is stored, shown and
 * approved.
 */
export async function beforeToolCall(
  turn: CallPlace,
  context: TurnContext,
  call: ToolCall,
): Promise<{ args: ToolCall['args']; refused?: string }> {
  const answer = await ask(context, turn, { hook: 'beforeToolCall', key: call.id }, (hooks, at) =>
    hooks.beforeToolCall?.(call, at),
  );
  turn.checkedCalls.add(call.id);
  if (answer === undefined) return { args: call.args };
  if (answer === FAILED) return { args: call.args, refused: NOT_CHECKED };
  if (isRefusal(answer))
    return { args: call.args, refused: notAllowed(refusedBy(context, 'beforeToolCall', answer)) };
  return { args: wellFormed(answer.args) };
}

/** The outcome of a call as it is stored, shown and given to the model. */
export async function afterToolCall(
  turn: CallPlace,
  context: TurnContext,
  call: ToolCall,
  outcome: ToolOutcome,
): Promise<ToolOutcome> {
  const ms = toolTimes(context, context.maxToolMs).hookMs;
  const answer = await ask(context, turn, { hook: 'afterToolCall', key: call.id, ms }, (hooks, at) =>
    hooks.afterToolCall?.(call, outcome, at),
  );
  if (answer === undefined) return outcome;
  if (answer === FAILED) return { output: NOT_CHECKED_OUTPUT, isError: true };
  if (isRefusal(answer)) {
    const reason = refusedBy(context, 'afterToolCall', answer);
    return { output: `${WITHHELD}${reason && ` ${reason}`}`, isError: true };
  }
  return answer;
}

/** Tells of a turn that is over. @param most how long at most, beside the hook's own limit */
export async function afterTurn(
  asker: Asker,
  where: Where,
  ended: EndedTurn,
  most: Milliseconds,
): Promise<void> {
  const { hooks } = asker;
  const ms = milliseconds(Math.min(most, hooks?.limitMs('afterTurn') ?? most));
  await ask(asker, where, { hook: 'afterTurn', key: 'ended', ms }, (hooks, at) =>
    hooks.afterTurn?.(ended, at),
  );
}

/** What is left for the tool of the time that a call may take, and for the hook after it: both fit into a fresh invocation. */
export function toolTimes(
  { hooks, maxToolMs }: Pick<TurnContext, 'hooks' | 'maxToolMs'>,
  limit: Milliseconds,
): { toolMs: Milliseconds; hookMs: Milliseconds } {
  const hookMs = hooks?.afterToolCall ? Math.min(hooks.limitMs('afterToolCall'), maxToolMs / 2) : 0;
  return { toolMs: milliseconds(Math.min(limit, maxToolMs - hookMs)), hookMs: milliseconds(hookMs) };
}

const NOT_ANSWERED = 'The agent does not answer this.';
const HOOK_FAILED = {
  code: 'HOOK_FAILED',
  message: 'The agent could not check this message.',
  retryable: true,
} as const;
const NOT_CHECKED = 'Not run: the agent could not check this call.';
const NOT_CHECKED_OUTPUT = 'Withheld: the tool was run, and the agent could not check its output.';
const WITHHELD = 'Withheld: the tool was run, and the agent does not allow its output.';
export const notAllowed = (reason: string): string =>
  `Not run: the agent does not allow this call.${reason && ` ${reason}`}`;
