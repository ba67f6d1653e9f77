import { between, type Milliseconds } from '../../config/units.ts';
import type { ToolCall, ToolOutcome } from '../model.ts';
import type { TurnContext } from './context.ts';
import { afterToolCall, type CallPlace, toolTimes } from './hooks.ts';
import { beginToolCall } from './spans.ts';
import { askSubagent, type CallSupport } from './subagent.ts';
import { callFiles } from './tool-files.ts';

/** How long a call may take, and the hook after it. */
export const timesOf = (
  context: TurnContext,
  { name }: Pick<ToolCall, 'name'>,
): { toolMs: Milliseconds; hookMs: Milliseconds } => toolTimes(context, context.toolbox.timeLimitMs(name));

/** Runs one call, at most for its time limit: the tool's own code, or the agent that the tool asks. */
export async function runCall(
  turn: CallPlace,
  context: TurnContext,
  call: ToolCall,
  { signal, display, meter, token, input }: CallSupport,
): Promise<ToolOutcome> {
  const { core, toolbox, observer, subagents } = context;
  const news = { turnId: turn.id, call };
  const startedAt = core.clock.now();
  const ms = timesOf(context, call).toolMs;
  const late = new AbortController();
  const over = new AbortController();
  const timer = core.clock.sleep(ms, over.signal).then((): ToolOutcome => {
    late.abort('time limit');
    return { output: `Stopped: the tool was not done after ${ms / 1000} s.`, isError: true };
  });
  // What goes on with an answer has started before.
  if (!input?.given) observer?.tell({ type: 'tool_started', ...news });
  const span = beginToolCall(core.tracer, call);
  try {
    const stopped = AbortSignal.any([signal, late.signal]);
    const idempotencyKey = `${turn.id}:${call.id}`;
    const isOver = AbortSignal.any([stopped, over.signal]);
    const subagent = subagents?.get(call.name);
    const run = subagent
      ? askSubagent(
          turn,
          { ...context, core: { ...core, tracer: span } },
          { subagent, call, run: runCall },
          { signal: stopped, display, meter, token },
        )
      : toolbox.run(call, {
          signal: stopped,
          idempotencyKey,
          setup: turn.setup,
          display,
          files: callFiles(core, turn.session, idempotencyKey, isOver),
          token,
          ...(input && { input }),
        });
    const outcome = await Promise.race([run, timer]);
    if (outcome.asks) return outcome;
    span.end({}, outcome.isError ? 'tool_error' : undefined);
    observer?.tell({ type: 'tool_ended', ...news, outcome, ms: between(startedAt, core.clock.now()) });
    // A result that comes after the turn's end, or after the time limit, is not the call's.
    if (late.signal.aborted || (signal.aborted && signal.reason !== 'message')) return outcome;
    return await /* rule: output-is-checked */ afterToolCall(turn, context, call, outcome);
  } finally {
    span.end();
    over.abort('over');
  }
}
