import { milliseconds } from '../../config/units.ts';
import type { TurnId } from '../ids.ts';
import type { ModelFailure, ModelRequest } from '../model.ts';
import type { TurnContext } from './context.ts';
import { timeIsShort } from './context.ts';
import { fallBack, modelOf } from './fallback.ts';
import type { LeasedTurn } from './leased-turn.ts';
import { type CallOutcome, callModel } from './model-call.ts';
import { reshape, type Sources } from './prompt-shape.ts';

/** Tries of one model call of which nothing is visible yet. */
const MAX_MODEL_TRIES = 3;
const FIRST_BACKOFF_MS = 250;

/**
 * One model call, repeated while nothing of it is visible: until then a repeat goes unnoticed (P3). After the last try the
 * fallback model takes over, if there is one. A prompt that was refused is sent again in another form.
 */
export async function callModelWithRetry(
  turn: LeasedTurn,
  context: TurnContext,
  request: ModelRequest,
  sources: Sources,
): Promise<CallOutcome> {
  const { model, from } = modelOf(turn, context);
  const canFallBack = context.fallback !== undefined && from === undefined;
  for (let tries = 1; ; tries++) {
    const outcome = await callModel(turn, context, model, request);
    if (outcome.type !== 'failed' || /* rule: retry-only-invisible-call */ outcome.visible) return outcome;
    const { failure } = outcome;
    // After a stall, do not retry if a fallback model is available.
    const maxTries = failure.reason === 'stalled' && canFallBack ? 1 : MAX_MODEL_TRIES;
    if (!failure.retryable || tries >= maxTries) {
      // A form that keeps all content, then another model, then forms that lose some.
      const goesOn =
        (await reshape(turn, context, failure, sources, 'lossless')) ||
        (await fallBack(turn, context, failure)) ||
        (await reshape(turn, context, failure, sources, 'any'));
      return goesOn ? { type: 'cut' } : outcome;
    }
    logRetry(context, turn.id, failure, tries);
    await context.core.clock.sleep(milliseconds(FIRST_BACKOFF_MS * 2 ** (tries - 1)));
    await turn.refresh();
    // Every model call has its boundary (P6), also a repeated one.
    const mustDecide = turn.abortRequest !== undefined || Object.keys(turn.lane.inbox).length > 0;
    if (mustDecide || timeIsShort(context)) return { type: 'cut' };
  }
}

function logRetry({ core }: TurnContext, turn: TurnId, failure: ModelFailure, tries: number): void {
  const { code, reason, diagnostic } = failure;
  core.log.warn('model call is repeated', { turn, tries, code, reason, diagnostic });
}
