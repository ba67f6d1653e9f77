import type { EventDraft } from '../events/events.ts';
import { type Model, type ModelFailure, modelId } from '../model.ts';
import type { TurnContext } from './context.ts';
import type { LeasedTurn } from './leased-turn.ts';

/**
 * The model that this turn calls, unless the agent's code names another one for a step: the fallback model after
 * `model_changed`. `from` is the model that failed.
 */
export function modelOf(
  turn: LeasedTurn,
  { model, fallback }: Pick<TurnContext, 'model' | 'fallback'>,
): { model: Model; from?: string } {
  if (!fallback) return { model };
  const changed = turn.events.find((event) => event.type === 'model_changed');
  return /* rule: fallback-stays-for-turn */ changed?.type === 'model_changed'
    ? { model: fallback, from: changed.fallback_from }
    : { model };
}

/**
 * Switches from a model that failed to the fallback model for the rest of the turn, by a committed event, so that a worker that
 * takes over calls the same model.
 *
 * @returns false if there is no fallback model, or not for this failure
 */
export async function fallBack(
  turn: LeasedTurn,
  context: TurnContext,
  model: Model,
  { reason }: ModelFailure,
): Promise<boolean> {
  const { fallback, core } = context;
  const { from } = modelOf(turn, context);
  // Withheld content is not requested from another model.
  if (!fallback || /* rule: one-fallback-a-turn */ from !== undefined || reason === 'withheld') return false;
  const draft: EventDraft = {
    type: 'model_changed',
    model: fallback.name,
    provider: fallback.provider,
    fallback_from: modelId(model),
    reason,
  };
  await turn.commitAlways([draft]);
  core.metrics.count('Fallbacks');
  return true;
}
