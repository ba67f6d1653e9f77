import { entriesOf } from '../events/entries.ts';
import type { EventDraft } from '../events/events.ts';
import { promptOf } from '../events/prompt.ts';
import type { ModelFailure } from '../model.ts';
import { applyInbox } from './apply.ts';
import type { Suspended } from './approvals.ts';
import type { TurnContext } from './context.ts';
import { timeIsShort } from './context.ts';
import type { EarlierTurns } from './context-window.ts';
import { readEarlierTurns } from './context-window.ts';
import { finish, finishAborted, finishFailed, finishUnbegun, publishEnding, renew } from './end.ts';
import { fallBack, modelOf } from './fallback.ts';
import type { Hold } from './hold.ts';
import type { CallOutcome } from './model-call.ts';
import { callModel } from './model-call.ts';
import { type CacheLookup, keep, lookUp, replaying } from './response-cache.ts';
import { runTools, settleUnanswered, settleUnrun, unansweredCalls } from './tools.ts';

/** Claims of a turn without anything new committed between them, before it is given up. */
const MAX_ATTEMPTS = 3;
/** Tries of one model call of which nothing is visible yet. */
const MAX_MODEL_TRIES = 3;
const FIRST_BACKOFF_MS = 250;

/**
 * Runs the lane's turn to its end: boundary, model call, tools, boundary … until the agent has answered and the inbox is
 * empty. The loop decides by what is committed, so that a worker which takes over in the middle goes on like any other.
 */
export async function runTurn(hold: Hold, context: TurnContext): Promise<'over' | 'handover' | Suspended> {
  while (hold.ended) await renew(hold, context);
  const isHopeless = hold.lane.attempts > MAX_ATTEMPTS;
  if (hold.isRevived) await renew(hold, context);
  if (isHopeless) return giveUp(hold, context);
  // Read while the inbox is taken in.
  let earlier = startReading(hold, context);
  const steps = new StepBudget(hold, context);
  let place: CacheLookup | undefined;
  for (;;) {
    if (hold.ended) {
      await renew(hold, context);
      continue;
    }
    const abort = hold.begun ? hold.abortRequest : undefined;
    if (abort) {
      await settleUnrun(hold);
      if (await finishAborted(hold, context, abort.by, abort.pending)) return over(hold);
      continue;
    }
    const unanswered = unansweredCalls(hold);
    if (unanswered.length) {
      const end = await settleUnanswered(hold, context, unanswered);
      if (end !== 'settled') return end;
      continue;
    }
    if (Object.keys(hold.lane.inbox).length > 0) {
      await applyInbox(hold, context);
      steps.renew();
      continue;
    }
    if (!hold.begun) {
      if (await finishUnbegun(hold, context)) return over(hold);
      continue;
    }
    if (hold.usage.answered) {
      if (!(await finish(hold, context))) continue;
      const [end] = await Promise.all([over(hold), keep(hold, context, place)]);
      return end;
    }
    if (timeIsShort(context)) return 'handover';
    // A turn that goes on under a new id has more before it.
    if (earlier.firstEntry !== hold.firstEntry) earlier = startReading(hold, context);
    const before = await earlier.turns;
    // What came in meanwhile is seen by the call as well (P6).
    if (await tellTrimmed(hold, before)) continue;
    const messages = promptOf([...before.entries, ...entriesOf(hold.events, 'include')]);
    const request = { messages, toolChoice: steps.toolChoice };
    place = await lookUp(hold, context, request);
    const outcome = place?.hit
      ? await callModel(hold, context, replaying(context.model, place.hit), request)
      : await callWithRetry(hold, context, request);
    if (outcome.type === 'calls') {
      const end = await runTools(hold, context, outcome.calls);
      if (end !== 'settled') return end;
      hold.writeEntriesMeanwhile();
    } else if (outcome.type === 'failed') {
      const { failure } = outcome;
      context.core.log.warn('model call failed', {
        turn: hold.turn,
        code: failure.code,
        reason: failure.reason,
        diagnostic: failure.diagnostic,
      });
      if (await finishFailed(hold, context, failure)) return over(hold);
    } else if (outcome.type === 'cut' && timeIsShort(context) && !hold.abortRequest) {
      return 'handover';
    }
  }
}

/** Once in a turn, before the first model call that does not see all of the transcript. */
async function tellTrimmed(hold: Hold, { trimmed }: EarlierTurns): Promise<boolean> {
  if (!trimmed || hold.events.some(({ type }) => type === 'history_trimmed')) return false;
  const draft: EventDraft = {
    type: 'history_trimmed',
    dropped_messages: trimmed.dropped,
    kept_turns: trimmed.keptTurns,
    reason: 'context_tokens',
  };
  while (!(await hold.commit([draft])));
  return true;
}

function startReading(hold: Hold, { core, settings }: TurnContext) {
  const { firstEntry } = hold;
  const turns = readEarlierTurns(core, hold.session, firstEntry, settings.contextTokens);
  // A failure shows where it is awaited, if it ever is.
  turns.catch(() => {});
  return { firstEntry, turns };
}

/** Limits model calls without a word from the user in between: a loop of tools must end, a conversation need not. */
class StepBudget {
  readonly #hold: Hold;
  readonly #max: number;
  #from: number;

  constructor(hold: Hold, { settings }: TurnContext) {
    this.#hold = hold;
    this.#max = settings.maxSteps;
    const last = hold.events.findLast((event) => event.type === 'applied');
    this.#from = last?.type === 'applied' ? last.step - 1 : hold.usage.steps;
  }

  renew(): void {
    this.#from = this.#hold.usage.steps;
  }

  /** The last call that the budget allows must answer. */
  get toolChoice(): 'auto' | 'none' {
    return this.#hold.usage.steps - this.#from >= this.#max - 1 ? 'none' : 'auto';
  }
}

/**
 * Before anything of a call is visible it can be made again without anyone noticing, and after some tries be made of another
 * model.
 */
async function callWithRetry(
  hold: Hold,
  context: TurnContext,
  request: Parameters<typeof callModel>[3],
): Promise<CallOutcome> {
  const { model, from } = modelOf(hold, context);
  const isLastHope = !context.fallback || from !== undefined;
  for (let tries = 1; ; tries++) {
    const outcome = await callModel(hold, context, model, request);
    if (outcome.type !== 'failed' || outcome.visible) return outcome;
    const { failure } = outcome;
    // Nobody should wait for a silent model again where another one might speak.
    const maxTries = failure.reason === 'stalled' && !isLastHope ? 1 : MAX_MODEL_TRIES;
    if (!failure.retryable || tries >= maxTries) {
      return (await fallBack(hold, context, failure)) ? { type: 'cut' } : outcome;
    }
    logRetry(context, hold.turn, failure, tries);
    await context.core.clock.sleep(FIRST_BACKOFF_MS * 2 ** (tries - 1));
    await hold.refresh();
    // Every model call has its boundary (P6), also one that is made again.
    const awaited = hold.abortRequest !== undefined || Object.keys(hold.lane.inbox).length > 0;
    if (awaited || timeIsShort(context)) return { type: 'cut' };
  }
}

const logRetry = ({ core }: TurnContext, turn: string, failure: ModelFailure, tries: number) => {
  const { code, reason, diagnostic } = failure;
  core.log.warn('model call is made again', { turn, tries, code, reason, diagnostic });
};

/** No worker got anywhere with this turn: it ends in an error that is committed like any other. */
async function giveUp(hold: Hold, context: TurnContext): Promise<'over'> {
  while (!hold.begun && Object.keys(hold.lane.inbox).length > 0) await applyInbox(hold, context);
  if (!hold.begun) {
    while (!(await finishUnbegun(hold, context)));
    return over(hold);
  }
  await settleUnrun(hold);
  const failure = {
    code: 'AGENT_ERROR',
    message: `The turn was given up after ${MAX_ATTEMPTS} attempts without progress.`,
    retryable: true,
  } as const;
  while (!(await finishFailed(hold, context, failure)));
  return over(hold);
}

async function over(hold: Hold): Promise<'over'> {
  await publishEnding(hold);
  return 'over';
}
