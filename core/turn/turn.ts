import { newTurnId } from '../ids.ts';
import type { AbortRequest } from '../store/items.ts';
import { noSpan } from '../tracing.ts';
import { applyInbox, rejectPending } from './apply.ts';
import type { Suspended } from './approvals.ts';
import { failureOf, TurnBudget, UNDECIDED_BUDGET } from './budget.ts';
import { type AgentChosen, chooseAgent } from './choose-agent.ts';
import type { TurnContext } from './context.ts';
import { timeIsShort } from './context.ts';
import { type EarlierTurns, EarlierTurnsReader } from './context-window.ts';
import { abandon, endAborted, endAnswered, endFailed, endGivenUp, endUnbegun, publishEnd } from './end.ts';
import { modelOf } from './fallback.ts';
import { TurnHooks } from './hooks.ts';
import { Fenced } from './lease.ts';
import type { LeasedTurn } from './leased-turn.ts';
import { callModel } from './model-call.ts';
import { callModelWithRetry } from './model-retry.ts';
import { nextStep, type Step, type TurnState } from './next-step.ts';
import { unansweredCalls } from './open-calls.ts';
import { TurnOpening } from './opening.ts';
import { readOutput } from './output.ts';
import { prepareStep } from './prepare-step.ts';
import { keepShape, leaveOut, refusedMessage, reportTrimmed, type Sources, shapeOf } from './prompt-shape.ts';
import { type CacheLookup, keep, lookUp, replaying } from './response-cache.ts';
import { decideStop, wholeSteps } from './steps.ts';
import { askForSummary } from './summaries.ts';
import { tellEnd, tellStep } from './tell.ts';
import { runTools, settleRuns, settleUnanswered, settleUnrun } from './tools.ts';

/**
 * How `runTurn` ends. `over`: the turn's last event is committed. `handover`: a fresh invocation goes on at once.
 * `Suspended`: the turn waits for a user, and an invocation goes on later.
 */
export type TurnEnd = 'over' | 'handover' | Suspended;

/** Runs the lane's turn until it ends, or until this invocation has to leave it. */
export async function runTurn(turn: LeasedTurn, context: TurnContext): Promise<TurnEnd | AgentChosen> {
  const run = new TurnRun(turn, context);
  try {
    for (;;) {
      run.tellSteps();
      await run.callStepHooks();
      await run.settleBudget();
      const end = await run.execute(nextStep(stateOf(turn, context)));
      if (end) return end;
    }
  } catch (error) {
    if (error instanceof Fenced) await run.settleDeleted();
    throw error;
  }
}

const UNDECIDED = {
  code: 'AGENT_ERROR',
  message: 'The agent could not decide whether it goes on.',
  retryable: false,
} as const;

const UNSERVED = {
  code: 'AGENT_UNAVAILABLE',
  message: 'The agent of this session does not exist any more.',
  retryable: false,
} as const;

const UNPREPARED = {
  code: 'AGENT_ERROR',
  message: 'The agent could not prepare this turn.',
  retryable: true,
} as const;

const UNPREPARED_STEP = {
  code: 'AGENT_ERROR',
  message: 'The agent could not prepare this step.',
  retryable: false,
} as const;

const afterCut = (turn: LeasedTurn, context: TurnContext): TurnEnd | undefined =>
  timeIsShort(context) && !turn.abortRequest ? 'handover' : undefined;

const standingOf = ({ choice }: TurnContext): TurnState['agent'] =>
  choice === undefined ? 'ready' : choice === 'gone' ? 'gone' : 'unchosen';

const stateOf = (turn: LeasedTurn, context: TurnContext): TurnState => ({
  needsNewId: turn.needsNewId,
  hasBegun: turn.hasBegun,
  isGivenUp: turn.isGivenUp,
  isLost: turn.isLost,
  abort: turn.abortRequest,
  unansweredCalls: unansweredCalls(turn),
  agent: standingOf(context),
  pending: Object.keys(turn.lane.inbox).length,
  isAnswered: turn.usage.answered,
  isTimeShort: timeIsShort(context),
});

/**
 * Executes the steps of one turn. Each returns how the run ends, or undefined if the turn goes on: either the step is
 * done, or the lane has changed since it was seen, and the next step is decided anew.
 */
class TurnRun {
  readonly #turn: LeasedTurn;
  readonly #context: TurnContext;
  readonly #earlier: EarlierTurnsReader;
  readonly #opening: TurnOpening;
  /** Where the answer of the last model call belongs in the response cache. */
  #cacheLookup: CacheLookup | undefined;
  /** The finished steps that the agent's code was told of, by this worker or by one before it. */
  #toldSteps: number;
  #hasAsked = false;
  readonly #budget: TurnBudget;
  readonly #hooks: TurnHooks;

  constructor(turn: LeasedTurn, context: TurnContext) {
    this.#turn = turn;
    this.#context = context;
    this.#opening = new TurnOpening(context);
    // Starts reading now: the transcript is read while the inbox is applied.
    this.#earlier = new EarlierTurnsReader(turn, context);
    this.#budget = new TurnBudget(turn, context);
    this.#hooks = new TurnHooks(turn, context);
    this.#toldSteps = wholeSteps(turn);
  }

  /** Tells the agent's code of steps of which this worker has committed the last. */
  tellSteps(): void {
    const { observer } = this.#context;
    if (!observer || !this.#turn.isUsageStored) return;
    const whole = wholeSteps(this.#turn);
    for (let to = this.#toldSteps + 1; to <= whole; to++) tellStep(this.#turn, observer, to);
    this.#toldSteps = whole;
  }

  /** A hook may be what kills the turn's workers. */
  async callStepHooks(): Promise<void> {
    if (!this.#turn.isGivenUp && !this.#turn.isLost) await this.#hooks.afterSteps();
  }

  /** What was used is counted before what comes next, also an end. Also what an earlier worker has not counted. */
  settleBudget(): Promise<void> {
    const isLastResort = this.#turn.isGivenUp || this.#turn.isLost;
    if (isLastResort) return this.#budget.settleOnce();
    return /* rule: count-before-end */ this.#budget.settle();
  }

  /** What was used is counted where the session was deleted meanwhile: nobody goes on with the turn. */
  settleDeleted(): Promise<void> {
    return this.#budget.settleDeleted();
  }

  #tellEnd(): void {
    this.tellSteps();
    tellEnd(this.#turn, this.#context);
  }

  execute(step: Step): Promise<TurnEnd | AgentChosen | undefined> {
    switch (step.type) {
      case 'renew':
        return this.#renew();
      case 'abandon':
        return this.#over(abandon(this.#turn, this.#context));
      case 'reject-pending':
        return this.#rejectPending();
      case 'apply-inbox':
        return this.#applyInbox();
      case 'choose-agent':
        return chooseAgent(this.#turn, this.#context);
      case 'end-unbegun':
        return this.#over(endUnbegun(this.#turn, this.#context));
      case 'end-unserved':
        return this.#endUnserved();
      case 'give-up':
        return this.#giveUp();
      case 'abort':
        return this.#abort(step.request);
      case 'settle-calls':
        return this.#settleCalls(step.calls);
      case 'end-answered':
        return this.#endAnswered();
      case 'hand-over':
        return Promise.resolve('handover');
      case 'call-model':
        return this.#callModel();
    }
  }

  async #renew(): Promise<undefined> {
    await this.#turn.renew(newTurnId(this.#context.core));
  }

  async #applyInbox(): Promise<undefined> {
    await applyInbox(this.#turn, this.#context, this.#opening, this.#budget);
  }

  async #rejectPending(): Promise<undefined> {
    await rejectPending(this.#turn, this.#context);
  }

  async #giveUp(): Promise<TurnEnd | undefined> {
    await settleUnrun(this.#turn);
    return this.#over(endGivenUp(this.#turn, this.#context));
  }

  async #endUnserved(): Promise<TurnEnd | undefined> {
    await settleUnrun(this.#turn);
    return this.#fail(UNSERVED);
  }

  async #abort({ by, pending }: AbortRequest): Promise<TurnEnd | undefined> {
    await settleUnrun(this.#turn);
    return this.#over(endAborted(this.#turn, this.#context, by, pending));
  }

  async #settleCalls(calls: Parameters<typeof settleUnanswered>[2]): Promise<TurnEnd | undefined> {
    const end = await settleUnanswered(this.#turn, this.#context, calls, this.#budget);
    return end === 'settled' ? undefined : end;
  }

  async #endAnswered(): Promise<TurnEnd | undefined> {
    const read = await readOutput(this.#turn, this.#context);
    if ('failure' in read) return this.#fail(read.failure);
    await settleRuns(this.#turn);
    if (!(await endAnswered(this.#turn, this.#context, read.fields))) return undefined;
    this.#tellEnd();
    await Promise.all([
      publishEnd(this.#turn),
      keepShape(this.#turn),
      keep(this.#turn, this.#context, this.#cacheLookup),
    ]);
    return 'over';
  }

  async #callModel(): Promise<TurnEnd | undefined> {
    const turn = this.#turn;
    const context = this.#context;
    const earlier = await this.#earlier.read();
    if (context.preparation?.prepare && /* rule: unprepared-turn-fails */ turn.setup.prepared === undefined)
      return this.#fail(UNPREPARED);
    const refused = refusedMessage(turn);
    if (refused) return this.#fail(refused);
    const allowed = await this.#hooks.beforeTurn();
    if (allowed === 'asked') {
      // An abort or a message may have come meanwhile (P6).
      await turn.refresh();
      return undefined;
    }
    if (allowed) return this.#fail(allowed);
    switch (await decideStop(turn, context)) {
      case 'stops':
        turn.usage = { ...turn.usage, answered: true, finish: 'tool_calls' };
        return undefined;
      case 'failed':
        return this.#fail(UNDECIDED);
      case 'goes-on':
        break;
    }
    const spent = await this.#budget.refusal();
    if (spent) return this.#fail(failureOf(spent));
    const sources: Sources = {
      earlier: earlier.entries,
      current: turn.log.entriesSoFar,
      firstEntry: turn.firstEntry,
      summary: earlier.summary,
      checksMessages: context.hooks?.beforeTurn !== undefined,
    };
    // It is a commit, and shows what came in meanwhile: the next call sees that as well (P6).
    // rule: trimmed-prompt-is-reported
    if (await reportTrimmed(turn, earlier, sources, shapeOf(turn, modelOf(turn, context).model)))
      return undefined;
    this.#askForSummary(earlier);
    const step = await prepareStep(turn, context, sources);
    if (step === 'failed') return this.#fail(UNPREPARED_STEP);
    if (step === 'cut') return afterCut(turn, context);
    const { model, request } = step;
    if (await this.#budget.lacksPrice(model)) return this.#fail(UNDECIDED_BUDGET);
    // rule: trimmed-step-is-reported
    if (await reportTrimmed(turn, earlier, sources, shapeOf(turn, model))) return undefined;
    this.#cacheLookup = await lookUp(turn, context, step);
    const { hit } = this.#cacheLookup ?? {};
    const outcome = hit
      ? await callModel(turn, untraced(context), replaying(model, hit), request)
      : await callModelWithRetry(turn, context, step, sources);
    // Tools may take long, and other sessions of the principal ask meanwhile.
    await this.settleBudget();
    switch (outcome.type) {
      case 'answered':
        return undefined;
      case 'calls': {
        const end = await runTools(turn, context, outcome.calls, this.#budget);
        if (end !== 'settled') return end;
        turn.startWritingEntries();
        return undefined;
      }
      case 'failed': {
        const { code, reason, diagnostic } = outcome.failure;
        context.core.log.warn('model call failed', { turn: turn.id, code, reason, diagnostic });
        if (!outcome.visible && (await leaveOut(turn, model, outcome.failure, sources))) return undefined;
        return this.#fail(outcome.failure);
      }
      case 'cut':
        return afterCut(turn, context);
    }
  }

  /** Once: what the last attempt made of it shows in the next turn. */
  #askForSummary(earlier: EarlierTurns): void {
    if (this.#hasAsked) return;
    this.#hasAsked = true;
    askForSummary(this.#turn, this.#context, earlier.summary);
  }

  async #fail(failure: Parameters<typeof endFailed>[2]): Promise<TurnEnd | undefined> {
    await settleRuns(this.#turn);
    return this.#over(endFailed(this.#turn, this.#context, failure));
  }

  async #over(ending: Promise<boolean>): Promise<TurnEnd | undefined> {
    if (!(await ending)) return undefined;
    this.#tellEnd();
    await Promise.all([publishEnd(this.#turn), keepShape(this.#turn)]);
    return 'over';
  }
}

/** The cache answers, and no model is called. */
const untraced = (context: TurnContext): TurnContext => ({
  ...context,
  core: { ...context.core, tracer: noSpan },
});
