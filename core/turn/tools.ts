import { after, between, milliseconds } from '../../config/units.ts';
import type { CallInput } from '../elicitation.ts';
import { toolResultOf } from '../events/tool-result.ts';
import type { ToolOutcome } from '../model.ts';
import type { ApprovalEnd, ApprovalRequest } from './approvals.ts';
import { ask, awaitAnswers, denials } from './approvals.ts';
import { asks, openOutputs, openQuestions } from './asked.ts';
import { type CallBudget, CallMeter } from './call-meter.ts';
import { askClient, dropOutputs } from './client-calls.ts';
import type { TurnContext } from './context.ts';
import { LANE_POLL_MS } from './context.ts';
import { beforeToolCall } from './hooks.ts';
import type { LeasedTurn } from './leased-turn.ts';
import type { AskedCall } from './model-call.ts';
import { wantsCut } from './model-call.ts';
import { openRuns, unansweredCalls } from './open-calls.ts';
import { askingCalls, cancellations, commitQuestions, givenInput } from './questions.ts';
import { runCall, timesOf } from './run-call.ts';
import { tokenOf } from './token-of.ts';
import { ToolDisplay } from './tool-display.ts';
import { leftUnstarted, unstartedCalls } from './unstarted.ts';
import { areLarge } from './verbatim.ts';

const NOT_RUN: ToolOutcome = {
  output: 'Not finished: the turn was stopped while this tool ran.',
  isError: true,
};
const NOT_STARTED: ToolOutcome = {
  output: 'Not run: the turn was stopped before this tool was started.',
  isError: true,
};
const NOT_GIVEN: ToolOutcome = {
  output: 'No result: the turn was stopped while the client ran this tool.',
  isError: true,
};
const NOT_ANSWERED: ToolOutcome = {
  output: 'Not finished: the turn was stopped while this tool asked the user something.',
  isError: true,
};
const UNKNOWN: ToolOutcome = {
  output:
    'Unknown outcome: the process that ran this tool ended before it could report. It may or may not have run.',
  isError: true,
};

/**
 * `handover`: this invocation may not have the time for the batch, so it was not started. `Suspended`: all open calls wait for
 * a user.
 */
export type ToolsEnd = ApprovalEnd;

/**
 * Runs the calls that the model just made, except those that need approval. If time is short, it records on the lane that
 * they were not started, and a fresh invocation runs them.
 */
export async function runTools(
  turn: LeasedTurn,
  context: TurnContext,
  calls: readonly AskedCall[],
  budget: CallBudget,
): Promise<ToolsEnd> {
  const checked = calls.filter((call) => /* rule: refused-call-does-not-run */ call.refused === undefined);
  await settleRefused(turn, calls);
  const { requests, refused } = await ask(turn, context, checked);
  await refuse(turn, refused, checked);
  const allowed = checked.filter(({ id }) => !refused.has(id));
  const runnable = /* rule: call-waits-for-approval */ without(requests, allowed);
  const isClients = ({ name }: AskedCall) => isRunByClient(context, name);
  // What a client runs follows, when the other calls have their results.
  await settle(
    turn,
    runnable.filter((call) => call.invalid && isClients(call)),
    invalidOutcome,
  );
  const free = runnable.filter((call) => !isClients(call));
  if (free.length === 0) return 'settled';
  const batch = hasTimeFor(context, free) ? firstOf(context, free) : [];
  const later = free.filter((call) => !batch.includes(call));
  if (later.length > 0) {
    const change = [leftUnstarted(turn, [...unstartedCalls(turn), ...later.map(({ id }) => id)])];
    await turn.commitAlways([], { change });
  }
  return batch.length > 0 ? runBatch(turn, context, batch, budget) : 'handover';
}

const isRunByClient = ({ toolbox }: TurnContext, name: string): boolean => toolbox.client?.has(name) === true;

const invalidOutcome = ({ invalid }: AskedCall): ToolOutcome => ({
  output: `The arguments are not valid: ${invalid}`,
  isError: true,
});

/** A tool that can ask the user goes on with what the user answered. */
const inputOf = (turn: LeasedTurn, { id }: AskedCall): CallInput => {
  const given = givenInput(turn, id);
  return { ...(given && { given }) };
};

/** As many calls as may run at the same time. The others follow when these have their results. */
const firstOf = ({ toolbox: { concurrency } }: TurnContext, calls: readonly AskedCall[]) =>
  calls.slice(0, concurrency);

const without = (requests: readonly Pick<ApprovalRequest, 'call'>[], calls: readonly AskedCall[]) =>
  calls.filter(({ id }) => !requests.some(({ call }) => call === id));

/** Commits the results of calls that must not run. */
const refuse = (turn: LeasedTurn, refused: ReadonlyMap<string, string>, calls: readonly AskedCall[]) =>
  settle(
    turn,
    calls.filter(({ id }) => refused.has(id)),
    ({ id }) => ({ output: refused.get(id) ?? '', isError: true }),
  );

/**
 * Runs committed calls of one step concurrently, and commits each result as it comes (P13).
 *
 * - Abort: results that exist are kept, and the other calls are answered as not run.
 * - A message with `delivery: now`: abortable tools are stopped, and what they then give is their result. The others are
 *   waited for.
 */
async function runBatch(
  turn: LeasedTurn,
  context: TurnContext,
  calls: readonly AskedCall[],
  budget: CallBudget,
): Promise<ToolsEnd> {
  // From now on no later worker may consider them as not started.
  const unstarted = unstartedCalls(turn);
  // rule: started-call-is-not-unstarted
  if (calls.some(({ id }) => unstarted.has(id))) {
    const left = [...unstarted].filter((id) => !calls.some((call) => call.id === id));
    await turn.commitAlways([], { change: [leftUnstarted(turn, left)] });
  }
  const stop = new AbortController();
  const cut = new AbortController();
  const heed = () => {
    if (/* rule: only-now-message-stops-tools */ wantsCut(turn)) cut.abort('message');
  };
  // The message may be there already: then abortable tools are not started.
  heed();
  const finished: { call: AskedCall; outcome: ToolOutcome }[] = [];
  let wake = () => {};
  const display = new ToolDisplay(turn, context, () => wake());
  const meter = new CallMeter(turn, context, budget, () => wake());
  const token = tokenOf(turn);
  const signalFor = ({ name }: AskedCall) =>
    /* rule: only-abortable-tools-stop */ context.toolbox.isAbortable(name)
      ? AbortSignal.any([stop.signal, cut.signal])
      : stop.signal;
  const running = calls.map(async (call) => {
    const shown = display.open(call);
    const outcome = call.invalid
      ? invalidOutcome(call)
      : await runCall(turn, context, call, {
          signal: signalFor(call),
          display: shown,
          meter,
          token,
          input: inputOf(turn, call),
        });
    // rule: nothing-shown-after-result
    display.close(call);
    finished.push({ call, outcome });
    wake();
  });
  const open = new Map(calls.map((call) => [call.id, call]));
  /** Waits until a call has ended, until something is due to be shown, or until the lane is to be read again. */
  const somethingToDo = async () => {
    const { clock } = context.core;
    const poll = after(clock.now(), LANE_POLL_MS);
    while (finished.length === 0 && !meter.hasNews) {
      const left = Math.min(between(clock.now(), poll), display.left(clock.now()));
      if (left <= 0) return;
      const timer = new AbortController();
      wake = () => timer.abort('over');
      await clock.sleep(milliseconds(left), timer.signal);
    }
  };
  try {
    while (open.size > 0) {
      await somethingToDo();
      const ended = finished.splice(0);
      for (const { call } of ended) open.delete(call.id);
      const asking = ended.flatMap(({ call, outcome: { asks } }) => (asks ? [{ call, asks }] : []));
      const results = ended.flatMap(({ call, outcome }) =>
        outcome.asks ? [] : [toolResultOf(call, outcome)],
      );
      // What is shown goes with a result, due or not: it costs no commit of its own.
      const isDue = results.length > 0 || display.left(context.core.clock.now()) <= 0;
      const drafts = /* rule: shown-before-result */ [...(isDue ? display.drain() : []), ...results];
      if (areLarge(drafts)) await turn.spill();
      const metered = meter.note();
      if (drafts.length > 0 || metered.isNew) await turn.commitAlways(drafts);
      else if (asking.length === 0) await turn.refresh();
      for (const one of asking) await commitQuestions(turn, context, one);
      await metered.settle();
      // rule: now-message-stops-tools
      heed();
      if (open.size > 0 && turn.abortRequest) {
        await settle(turn, [...open.values()], () => NOT_RUN);
        break;
      }
    }
    return 'settled';
  } finally {
    stop.abort('over');
    meter.release();
    // A tool that ignores its signal is waited for, up to its time limit: it must not continue in a later invocation.
    await Promise.all(running);
    // What was cut just now. The turn goes on by counting it.
    meter.note();
  }
}

function hasTimeFor(context: TurnContext, calls: readonly AskedCall[]): boolean {
  const times = calls.map((call) => timesOf(context, call));
  return (
    context.remainingMs() >=
    context.reserveMs + Math.max(...times.map(({ toolMs, hookMs }) => toolMs + hookMs))
  );
}

async function settle(
  turn: LeasedTurn,
  calls: readonly AskedCall[],
  outcome: (call: AskedCall) => ToolOutcome,
): Promise<void> {
  if (calls.length) await turn.commitAlways(calls.map((call) => toolResultOf(call, outcome(call))));
}

const NO_RESULT: ToolOutcome = { output: 'The provider gave no result.', isError: true };

/** For a turn that ends: tools that the provider has not finished get a result too (P13). */
export async function settleRuns(turn: LeasedTurn): Promise<void> {
  const open = openRuns(turn);
  if (open.length > 0)
    await turn.commitAlways(
      /* rule: open-run-gets-result */ open.map((call) => toolResultOf(call, NO_RESULT)),
    );
}

/**
 * Settles calls that an earlier worker left, or that wait for approval. A call that was never started is run. A call whose
 * outcome is unknown is run again only if its tool is idempotent. Otherwise its result says so, and the model decides.
 */
export async function settleUnanswered(
  turn: LeasedTurn,
  context: TurnContext,
  calls: readonly AskedCall[],
  budget: CallBudget,
): Promise<ToolsEnd> {
  const asking = new Set(openQuestions(turn).map(({ callId }) => callId));
  const waiting = new Set([...openOutputs(turn).map(({ call }) => call.id), ...asking]);
  const asked = await ask(
    turn,
    context,
    calls.filter(({ id }) => !waiting.has(id)),
    { leftBehind: true },
  );
  const { requests, refused } = asked;
  // A call that is still asked about is refused when its request is resolved.
  await refuse(turn, refused, without(requests, calls));
  const allowed = calls.filter(({ id }) => !refused.has(id));
  const unasked = allowed.filter(({ id }) => !asking.has(id));
  const runnable = /* rule: taken-over-call-waits-for-approval */ without(requests, unasked);
  const free = runnable.filter(({ name }) => !isRunByClient(context, name));
  if (free.length === 0) {
    if (
      await refuseAgain(
        turn,
        context,
        without(
          openOutputs(turn).map(({ call }) => ({ call: call.id })),
          runnable,
        ),
      )
    )
      return 'settled';
    if (await askClient(turn, context, runnable)) return 'settled';
    return requests.length + openOutputs(turn).length + asking.size === 0
      ? 'settled'
      : awaitAnswers(turn, context, asked);
  }
  const unstarted = unstartedCalls(turn);
  const again = free.filter(
    /* rule: only-safe-call-runs-again */ ({ id, name }) =>
      unstarted.has(id) || context.toolbox.isIdempotent(name),
  );
  await settle(
    turn,
    free.filter((call) => !again.includes(call)),
    () => UNKNOWN,
  );
  if (again.length === 0) return 'settled';
  // rule: call-run-again-is-checked-again
  if (await refuseAgain(turn, context, again)) return 'settled';
  return hasTimeFor(context, again) ? runBatch(turn, context, firstOf(context, again), budget) : 'handover';
}

/** Commits the results of calls that a hook of the agent does not let run. */
async function settleRefused(turn: LeasedTurn, calls: readonly AskedCall[]): Promise<boolean> {
  const refused = calls.filter((call) => call.refused !== undefined);
  await settle(turn, refused, ({ refused: output = '' }) => ({ output, isError: true }));
  return refused.length > 0;
}

/**
 * The worker that asked about these calls may have died before it stored a refusal, and some have waited for long. So they are
 * checked again. What the hook would change is committed already.
 */
async function refuseAgain(
  turn: LeasedTurn,
  context: TurnContext,
  calls: readonly AskedCall[],
): Promise<boolean> {
  if (!context.hooks?.beforeToolCall) return false;
  const checked = await Promise.all(
    calls
      .filter(({ id }) => !turn.checkedCalls.has(id))
      .map(async ({ refused: _, ...call }) => {
        const { refused } = await beforeToolCall(turn, context, call);
        return { ...call, ...(refused !== undefined && { refused }) };
      }),
  );
  return settleRefused(turn, checked);
}

/** For a turn that ends: open requests are denied, and each open call gets a result without being run (P13). */
export async function settleUnrun(turn: LeasedTurn): Promise<void> {
  const unstarted = unstartedCalls(turn);
  const asked = new Set(openOutputs(turn).map(({ call }) => call.id));
  const asking = askingCalls(turn);
  const questions = openQuestions(turn);
  // No client can give something from here on.
  const change = asked.size + questions.length > 0 ? asks(turn, { outputs: [], questions: [] }) : [];
  const outcomeOf = ({ id }: AskedCall): ToolOutcome => {
    if (asked.has(id)) return NOT_GIVEN;
    const isLeft = unstarted.has(id) || questions.some(({ callId }) => callId === id);
    if (isLeft && asking.has(id)) return NOT_ANSWERED;
    return isLeft ? NOT_STARTED : UNKNOWN;
  };
  const results = unansweredCalls(turn).map((call) => toolResultOf(call, outcomeOf(call)));
  if (results.length > 0)
    await turn.commitAlways(
      [/* rule: abort-denies-open-requests */ ...(await denials(turn)), ...cancellations(turn), ...results],
      { change },
    );
  if (change.length > 0) await dropOutputs(turn, questions);
  await settleRuns(turn);
}
