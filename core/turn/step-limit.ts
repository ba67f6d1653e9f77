import type { ModelRequest } from '../model.ts';
import type { LeasedTurn } from './leased-turn.ts';

/**
 * Limits model calls without a message of the user in between (`MIDTURN_MAX_STEPS`): a loop of tools must end, a
 * conversation need not. The last call that the limit allows must answer.
 */
export function toolChoiceFor(
  { events, usage }: Pick<LeasedTurn, 'events' | 'usage'>,
  maxSteps: number,
): ModelRequest['toolChoice'] {
  const last = events.findLast((event) => event.type === 'applied');
  const before = last ? last.step - 1 : usage.steps;
  return usage.steps - before >= maxSteps - 1 ? 'none' : 'auto';
}
