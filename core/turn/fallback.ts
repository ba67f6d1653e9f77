import type { EventDraft } from '../events/events.ts';
import type { Model, ModelFailure } from '../model.ts';
import type { TurnContext } from './context.ts';
import type { LeasedTurn } from './leased-turn.ts';

/** The model that this turn calls: the first one, or the second from where the turn says so on. */
export function modelOf(
  turn: LeasedTurn,
  { model, fallback }: Pick<TurnContext, 'model' | 'fallback'>,
): { model: Model; from?: string } {
  if (!fallback) return { model };
  const changed = turn.events.find((event) => event.type === 'model_changed');
  return changed?.type === 'model_changed' ? { model: fallback, from: changed.fallback_from } : { model };
}

/**
 * Goes on with the second model, for the rest of the turn; false: there is none, or not for this failure. It is committed
 * like all that a turn says, so that whoever takes over goes on with the same model.
 */
export async function fallBack(
  turn: LeasedTurn,
  context: TurnContext,
  { reason }: ModelFailure,
): Promise<boolean> {
  const { fallback, core } = context;
  const { model, from } = modelOf(turn, context);
  // What one model may not answer is not asked of another.
  if (!fallback || from !== undefined || reason === 'withheld') return false;
  const draft: EventDraft = {
    type: 'model_changed',
    model: fallback.name,
    provider: fallback.provider,
    fallback_from: `${model.provider}:${model.name}`,
    reason,
  };
  await turn.commitAlways([draft]);
  core.metrics.count('Fallbacks');
  return true;
}
