import type { EventDraft } from '../events.ts';
import { outputText } from '../events.ts';
import type { Json } from '../json.ts';
import type { ToolOutcome } from '../model.ts';
import { remove, set } from '../update.ts';
import type { TurnContext } from './context.ts';
import { LOOK_MS } from './context.ts';
import type { Hold } from './hold.ts';
import type { AskedCall } from './model-call.ts';

/** Of a result as it is on the wire: it is an event, an entry and part of each later prompt, and must fit into one frame. */
const MAX_OUTPUT_BYTES = 16 * 1024;

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

/** `handover`: this invocation may not have the time for the batch, so it was not begun. */
export type ToolsEnd = 'settled' | 'handover';

/** Runs the calls that the model just made, or leaves them to a fresh invocation and says so on the lane. */
export async function runTools(
  hold: Hold,
  context: TurnContext,
  calls: readonly AskedCall[],
): Promise<ToolsEnd> {
  if (hasTimeFor(context, calls)) return runBatch(hold, context, calls);
  const unstarted = { turn: hold.turn, calls: calls.map(({ id }) => id) };
  while (!(await hold.commit([], { change: [set('unstarted', unstarted)] })));
  return 'handover';
}

/**
 * Runs the calls of one step, which are committed already, at the same time, and commits each result as it comes (P13).
 * An abort is heard meanwhile: results that are there stay, the others are marked as not run.
 */
async function runBatch(hold: Hold, context: TurnContext, calls: readonly AskedCall[]): Promise<ToolsEnd> {
  // Whoever comes after me must not take them for calls that nobody started.
  if (hold.lane.unstarted) while (!(await hold.commit([], { change: [remove('unstarted')] })));
  const stop = new AbortController();
  const finished: { call: AskedCall; outcome: ToolOutcome }[] = [];
  let wake = () => {};
  const running = calls.map(async (call) => {
    const outcome = call.invalid
      ? { output: `The arguments are not valid: ${call.invalid}`, isError: true }
      : await runWithin(hold, context, call, stop.signal);
    finished.push({ call, outcome });
    wake();
  });
  const open = new Map(calls.map((call) => [call.id, call]));
  try {
    while (open.size > 0) {
      if (finished.length === 0) {
        const timer = new AbortController();
        wake = () => timer.abort('over');
        await context.core.clock.sleep(LOOK_MS, timer.signal);
      }
      const drafts = finished.splice(0).map(({ call, outcome }) => {
        open.delete(call.id);
        return resultOf(call, outcome);
      });
      if (drafts.length) while (!(await hold.commit(drafts)));
      else await hold.look();
      if (open.size > 0 && hold.abortRequest) {
        await settle(hold, [...open.values()], () => NOT_RUN);
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
  hold: Hold,
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
      idempotencyKey: `${hold.turn}:${call.id}`,
    });
    return await Promise.race([run, timer]);
  } finally {
    over.abort('over');
  }
}

/** Calls of this turn that are known not to have run, though they are committed. */
const unstartedCalls = ({ lane, turn }: Hold): ReadonlySet<string> =>
  new Set(lane.unstarted?.turn === turn ? lane.unstarted.calls : []);

async function settle(
  hold: Hold,
  calls: readonly AskedCall[],
  outcome: (call: AskedCall) => ToolOutcome,
): Promise<void> {
  if (calls.length) while (!(await hold.commit(calls.map((call) => resultOf(call, outcome(call))))));
}

/** Calls of the turn that have no result: what a worker left when it died between the two. */
export function unansweredCalls(hold: Hold): AskedCall[] {
  const open = new Map<string, AskedCall>();
  for (const event of hold.events) {
    if (event.type === 'tool_call') open.set(event.id, { id: event.id, name: event.name, args: event.args });
    else if (event.type === 'tool_result') open.delete(event.id);
  }
  return [...open.values()];
}

/**
 * Calls that a worker left behind. One that was never started is run. One whose outcome nobody knows is run again only if
 * its tool says that this does no harm; else its result says so, and the model decides.
 */
export async function settleUnanswered(
  hold: Hold,
  context: TurnContext,
  calls: readonly AskedCall[],
): Promise<ToolsEnd> {
  const unstarted = unstartedCalls(hold);
  const again = calls.filter(({ id, name }) => unstarted.has(id) || context.toolbox.isIdempotent(name));
  await settleUnrun(
    hold,
    calls.filter((call) => !again.includes(call)),
  );
  if (again.length === 0) return 'settled';
  return hasTimeFor(context, again) ? runBatch(hold, context, again) : 'handover';
}

/** Of a turn that ends: nothing is run any more, each call gets its result (P13). */
export async function settleUnrun(hold: Hold, calls = unansweredCalls(hold)): Promise<void> {
  const unstarted = unstartedCalls(hold);
  await settle(hold, calls, ({ id }) => (unstarted.has(id) ? NOT_STARTED : UNKNOWN));
}

function resultOf({ id, name }: AskedCall, { output, isError }: ToolOutcome): EventDraft {
  const fitted = capped(output);
  return {
    type: 'tool_result',
    id,
    name,
    output: fitted.output,
    ...(isError && { is_error: true }),
    ...(fitted.truncated && { truncated: true }),
  };
}

function capped(output: Json): { output: Json; truncated: boolean } {
  const plain = outputText(output).output;
  if (Buffer.byteLength(JSON.stringify(plain)) <= MAX_OUTPUT_BYTES) return { output, truncated: false };
  // Cut to what fits whatever its characters cost as JSON, and as text, since half an object is not one.
  return { output: `${plain.slice(0, Math.floor(MAX_OUTPUT_BYTES / 6))}…`, truncated: true };
}
