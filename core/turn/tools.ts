import { toolResultOf } from '../events/tool-result.ts';
import type { ToolOutcome } from '../model.ts';
import type { ApprovalEnd, ApprovalRequest } from './approvals.ts';
import { ask, awaitDecisions, denials } from './approvals.ts';
import type { TurnContext } from './context.ts';
import { LANE_POLL_MS } from './context.ts';
import type { LeasedTurn } from './leased-turn.ts';
import type { AskedCall } from './model-call.ts';
import { wantsCut } from './model-call.ts';
import { leftUnstarted, unstartedCalls } from './unstarted.ts';

const NOT_RUN: ToolOutcome = {
  output: 'Not finished: the turn was stopped while this tool ran.',
  isError: true,
};
const NOT_STARTED: ToolOutcome = {
  output: 'Not run: the turn was stopped before this tool was started.',
  isError: true,
};
const UNKNOWN: ToolOutcome = {
  output:
    'Unknown outcome: the process that ran this tool ended before it could report. It may or may not have run.',
  isError: true,
};

/**
 * `handover`: this invocation may not have the time for the batch, so it was not begun. `Suspended`: all that is left waits for a
 * person.
 */
export type ToolsEnd = ApprovalEnd;

/**
 * Runs the calls that the model just made, but for those that somebody has to approve; or leaves them to a fresh
 * invocation and says so on the lane.
 */
export async function runTools(
  turn: LeasedTurn,
  context: TurnContext,
  calls: readonly AskedCall[],
): Promise<ToolsEnd> {
  const free = without(await ask(turn, context, calls), calls);
  if (free.length === 0) return 'settled';
  if (hasTimeFor(context, free)) return runBatch(turn, context, free);
  const change = [leftUnstarted(turn, [...unstartedCalls(turn), ...free.map(({ id }) => id)])];
  await turn.commitAlways([], { change });
  return 'handover';
}

const without = (requests: readonly ApprovalRequest[], calls: readonly AskedCall[]) =>
  calls.filter(({ id }) => !requests.some(({ call }) => call === id));

/**
 * Runs the calls of one step, which are committed already, at the same time, and commits each result as it comes (P13).
 * An abort is heard meanwhile: results that are there stay, the others are marked as not run. So is a message that does not wait:
 * tools that can be cut are told to stop, and what they then say is their result; the others are waited for.
 */
async function runBatch(
  turn: LeasedTurn,
  context: TurnContext,
  calls: readonly AskedCall[],
): Promise<ToolsEnd> {
  // Whoever comes after me must not take them for calls that nobody started.
  const unstarted = unstartedCalls(turn);
  if (calls.some(({ id }) => unstarted.has(id))) {
    const left = [...unstarted].filter((id) => !calls.some((call) => call.id === id));
    await turn.commitAlways([], { change: [leftUnstarted(turn, left)] });
  }
  const stop = new AbortController();
  const cut = new AbortController();
  const heed = () => {
    if (wantsCut(turn)) cut.abort('message');
  };
  // It may be there already: then what can be cut is not begun.
  heed();
  const finished: { call: AskedCall; outcome: ToolOutcome }[] = [];
  let wake = () => {};
  const signalFor = ({ name }: AskedCall) =>
    context.toolbox.isAbortable(name) ? AbortSignal.any([stop.signal, cut.signal]) : stop.signal;
  const running = calls.map(async (call) => {
    const outcome = call.invalid
      ? { output: `The arguments are not valid: ${call.invalid}`, isError: true }
      : await runWithin(turn, context, call, signalFor(call));
    finished.push({ call, outcome });
    wake();
  });
  const open = new Map(calls.map((call) => [call.id, call]));
  try {
    while (open.size > 0) {
      if (finished.length === 0) {
        const timer = new AbortController();
        wake = () => timer.abort('over');
        await context.core.clock.sleep(LANE_POLL_MS, timer.signal);
      }
      const drafts = finished.splice(0).map(({ call, outcome }) => {
        open.delete(call.id);
        return toolResultOf(call, outcome);
      });
      if (drafts.length) await turn.commitAlways(drafts);
      else await turn.refresh();
      heed();
      if (open.size > 0 && turn.abortRequest) {
        await settle(turn, [...open.values()], () => NOT_RUN);
        break;
      }
    }
    return 'settled';
  } finally {
    stop.abort('over');
    // A tool that does not heed its signal is waited for, up to its time limit, so that it does not go on in a later
    // invocation.
    await Promise.all(running);
  }
}

const hasTimeFor = (context: TurnContext, calls: readonly AskedCall[]) =>
  context.remainingMs() >= context.reserveMs + Math.max(...calls.map((call) => timeLimit(context, call)));

const timeLimit = (context: TurnContext, { name }: AskedCall) =>
  Math.min(context.toolbox.timeLimitMs(name), context.maxToolMs);

/** One call, for no longer than its tool may take. */
async function runWithin(
  turn: LeasedTurn,
  context: TurnContext,
  call: AskedCall,
  signal: AbortSignal,
): Promise<ToolOutcome> {
  const { core, toolbox } = context;
  const ms = timeLimit(context, call);
  const late = new AbortController();
  const over = new AbortController();
  const timer = core.clock.sleep(ms, over.signal).then((): ToolOutcome => {
    late.abort('time limit');
    return { output: `Stopped: the tool was not done after ${ms / 1000} s.`, isError: true };
  });
  try {
    const run = toolbox.run(call, {
      signal: AbortSignal.any([signal, late.signal]),
      idempotencyKey: `${turn.id}:${call.id}`,
    });
    return await Promise.race([run, timer]);
  } finally {
    over.abort('over');
  }
}

async function settle(
  turn: LeasedTurn,
  calls: readonly AskedCall[],
  outcome: (call: AskedCall) => ToolOutcome,
): Promise<void> {
  if (calls.length) await turn.commitAlways(calls.map((call) => toolResultOf(call, outcome(call))));
}

/** Calls of the turn that have no result: what a worker left when it died between the two. */
export function unansweredCalls(turn: LeasedTurn): AskedCall[] {
  const open = new Map<string, AskedCall>();
  for (const event of turn.events) {
    if (event.type === 'tool_call') open.set(event.id, { id: event.id, name: event.name, args: event.args });
    else if (event.type === 'tool_result') open.delete(event.id);
  }
  return [...open.values()];
}

/**
 * Calls that a worker left behind, or that wait to be approved. One that was never started is run. One whose outcome nobody
 * knows is run again only if its tool says that this does no harm; else its result says so, and the model decides.
 */
export async function settleUnanswered(
  turn: LeasedTurn,
  context: TurnContext,
  calls: readonly AskedCall[],
): Promise<ToolsEnd> {
  const requests = await ask(turn, context, calls);
  const free = without(requests, calls);
  if (free.length === 0) return awaitDecisions(turn, context, requests);
  const unstarted = unstartedCalls(turn);
  const again = free.filter(({ id, name }) => unstarted.has(id) || context.toolbox.isIdempotent(name));
  await settle(
    turn,
    free.filter((call) => !again.includes(call)),
    () => UNKNOWN,
  );
  if (again.length === 0) return 'settled';
  return hasTimeFor(context, again) ? runBatch(turn, context, again) : 'handover';
}

/** Of a turn that ends: nothing is run or approved any more, each call gets its result (P13). */
export async function settleUnrun(turn: LeasedTurn): Promise<void> {
  const unstarted = unstartedCalls(turn);
  const results = unansweredCalls(turn).map((call) =>
    toolResultOf(call, unstarted.has(call.id) ? NOT_STARTED : UNKNOWN),
  );
  if (results.length > 0) await turn.commitAlways([...(await denials(turn)), ...results]);
}
