import type { EventDraft } from '../events.ts';
import type { Json } from '../json.ts';
import type { ToolOutcome } from '../model.ts';
import type { TurnContext } from './context.ts';
import { LOOK_MS } from './context.ts';
import type { Hold } from './hold.ts';
import type { AskedCall } from './model-call.ts';

/** Of a result as JSON: it is an event, an entry and part of each later prompt, and must fit into one frame. */
const MAX_OUTPUT_BYTES = 16 * 1024;

const NOT_RUN: ToolOutcome = {
  output: 'Not finished: the turn was stopped while this tool ran.',
  isError: true,
};
const UNKNOWN: ToolOutcome = {
  output:
    'Unknown outcome: the process that ran this tool ended before it could report. It may or may not have run.',
  isError: true,
};

/**
 * Runs the calls of one step, which are committed already, at the same time, and commits each result as it comes (P13).
 * An abort is heard meanwhile: results that are there stay, the others are marked as not run.
 */
export async function runTools(hold: Hold, context: TurnContext, calls: readonly AskedCall[]): Promise<void> {
  const stop = new AbortController();
  const finished: { call: AskedCall; outcome: ToolOutcome }[] = [];
  let wake = () => {};
  const running = calls.map(async (call) => {
    const outcome = call.invalid
      ? { output: `The arguments are not valid: ${call.invalid}`, isError: true }
      : await context.toolbox.run(call, { signal: stop.signal, idempotencyKey: `${hold.turn}:${call.id}` });
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
        const rest = [...open.values()].map((call) => resultOf(call, NOT_RUN));
        while (!(await hold.commit(rest)));
        return;
      }
    }
  } finally {
    stop.abort('over');
    // A tool that does not heed its signal is waited for, so that it does not go on in a later invocation.
    await Promise.all(running);
  }
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
 * A call whose outcome nobody knows runs again only if its tool says that this does no harm; else its result says so,
 * and the model decides.
 */
export async function settleUnanswered(
  hold: Hold,
  context: TurnContext,
  calls: readonly AskedCall[],
): Promise<void> {
  const again = hold.abortRequest ? [] : calls.filter((call) => context.toolbox.isIdempotent(call.name));
  const lost = calls.filter((call) => !again.includes(call));
  if (lost.length) while (!(await hold.commit(lost.map((call) => resultOf(call, UNKNOWN)))));
  if (again.length) await runTools(hold, context, again);
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
  const text = JSON.stringify(output);
  if (Buffer.byteLength(text) <= MAX_OUTPUT_BYTES) return { output, truncated: false };
  // Cut to what fits whatever its characters cost as JSON, and as text, since half an object is not one.
  const plain = typeof output === 'string' ? output : text;
  return { output: `${plain.slice(0, Math.floor(MAX_OUTPUT_BYTES / 6))}…`, truncated: true };
}
