import type { TurnEvent } from '../events/events.ts';
import type { StepFacts, ToolCall, ToolOutcome } from '../model.ts';
import { asked, nameOf } from './agents-code.ts';
import type { TurnContext } from './context.ts';
import type { LeasedTurn } from './leased-turn.ts';
import { unansweredCalls } from './open-calls.ts';

/**
 * The finished model calls of a turn, from its committed events and the marks that are committed with them: a worker that takes over
 * knows the same steps. Text of a call that was cut belongs to the next one that is finished.
 */
export function stepsOf({ events, log, usage }: Pick<LeasedTurn, 'events' | 'log' | 'usage'>): StepFacts[] {
  const calls: ToolCall[] = [];
  const results = new Map<string, ToolOutcome>();
  for (const event of events) {
    // What the provider ran is within its answer, and counts as no call.
    if (event.type === 'tool_call' && !event.provider_executed)
      calls.push({ id: event.id, name: event.name, args: event.args });
    if (event.type === 'tool_result')
      results.set(event.id, { output: event.output, isError: event.is_error === true });
  }
  const text = log.text;
  let before = { textTo: 0, callsTo: 0 };
  return (usage.marks ?? []).map((mark) => {
    const own = calls.slice(before.callsTo, mark.callsTo);
    const said = text.slice(before.textTo, mark.textTo);
    before = mark;
    const outcomes = own.flatMap((call) => {
      const outcome = results.get(call.id);
      return outcome ? [{ id: call.id, ...outcome }] : [];
    });
    return {
      text: said,
      calls: own,
      results: outcomes,
      finish: mark.finish,
      usage: mark.usage,
      model: mark.model,
    };
  });
}

/** How many steps of the turn are over: their calls have their results. */
export const wholeSteps = (turn: LeasedTurn): number => {
  const { marks = [] } = turn.usage;
  return marks.length > 0 && unansweredCalls(turn).length > 0 ? marks.length - 1 : marks.length;
};

/** Whether the last thing that happened in the turn is that a step's tools gave their results. */
function hasJustRunTools({ events }: Pick<LeasedTurn, 'events'>): boolean {
  const isOwn = (event: TurnEvent) => !('provider_executed' in event && event.provider_executed);
  return events.findLast((event) => DECISIVE.has(event.type) && isOwn(event))?.type === 'tool_result';
}

const DECISIVE: ReadonlySet<string> = new Set(['applied', 'chunk', 'thinking', 'tool_result']);

/** What the agent's code has decided after a step. */
export type StopDecision = 'goes-on' | 'stops' | 'failed';

/**
 * Asks the agent's code whether the turn ends here, once the tools of its last step have given their results. The answer follows from
 * committed steps, and `done` is the next thing that is committed: a worker that takes over before that asks again.
 */
export async function decideStop(turn: LeasedTurn, { control, core }: TurnContext): Promise<StopDecision> {
  if (!control || !hasJustRunTools(turn)) return 'goes-on';
  try {
    return (await asked(core.clock, 'stopWhen', control.isStopped(stepsOf(turn), turn.setup)))
      ? 'stops'
      : 'goes-on';
  } catch (error) {
    core.log.error("the agent's code cannot say whether the turn goes on", {
      turn: turn.id,
      error: nameOf(error),
    });
    return 'failed';
  }
}
