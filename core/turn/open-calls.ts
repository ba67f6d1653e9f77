import type { TurnEvent } from '../events/events.ts';
import type { ToolCall } from '../model.ts';
import type { LeasedTurn } from './leased-turn.ts';

type Events = Pick<LeasedTurn, 'events'>;

/**
 * Committed calls of the turn without a result: those of a worker that died between the two, or that wait for approval. Of tools
 * that the provider runs, no worker can give the result.
 */
export const unansweredCalls = (turn: Events): ToolCall[] =>
  openCalls(turn).filter((call) => !call.provider_executed);

/** Committed calls of tools that the provider runs, without a result: it can come with the turn's next model call. */
export const openRuns = (turn: Events): OpenCall[] =>
  openCalls(turn).filter((call) => call.provider_executed);

type OpenCall = Pick<Extract<TurnEvent, { type: 'tool_call' }>, 'id' | 'name' | 'args' | 'provider_executed'>;

function openCalls({ events }: Events): OpenCall[] {
  const open = new Map<string, OpenCall>();
  for (const event of events) {
    if (event.type === 'tool_call') open.set(event.id, event);
    else if (event.type === 'tool_result') open.delete(event.id);
  }
  return /* rule: unanswered-call-gets-result */ [...open.values()];
}
