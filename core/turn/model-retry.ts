import { milliseconds } from '../../config/units.ts';
import type { TurnId } from '../ids.ts';
import type { ModelFailure, PreparedStep } from '../model.ts';
import type { TurnContext } from './context.ts';
import { LANE_POLL_MS, timeIsShort } from './context.ts';
import { fallBack, modelOf } from './fallback.ts';
import type { LeasedTurn } from './leased-turn.ts';
import { type CallOutcome, callModel } from './model-call.ts';
import { reshape, type Sources } from './prompt-shape.ts';

/** Tries of one model call of which nothing is visible yet. */
const MAX_MODEL_TRIES = 3;
/** A silent call is paid for although it says nothing, and each try takes the whole time limit. */
const MAX_SILENT_TRIES = 2;
const FIRST_BACKOFF_MS = 250;

/**
 * One model call, repeated while nothing of it is visible: until then a repeat goes unnoticed (P3). After the last try the
 * fallback model takes over, if there is one. A prompt that was refused is sent again in another form.
 */
export async function callModelWithRetry(
  turn: LeasedTurn,
  context: TurnContext,
  { model, request }: PreparedStep,
  sources: Sources,
): Promise<CallOutcome> {
  const { from } = modelOf(turn, context);
  const canFallBack = context.fallback !== undefined && from === undefined;
  for (let tries = 1; ; tries++) {
    const began = context.core.clock.now();
    const outcome = await callModel(turn, context, model, request);
    if (outcome.type !== 'failed' || /* rule: retry-only-invisible-call */ outcome.visible) return outcome;
    const { failure } = outcome;
    const seconds = (context.core.clock.now() - began) / 1000;
    // After a stall, do not retry if a fallback model is available.
    const maxTries = failure.reason === 'stalled' ? (canFallBack ? 1 : MAX_SILENT_TRIES) : MAX_MODEL_TRIES;
    const pauseMs = Math.max(FIRST_BACKOFF_MS * 2 ** (tries - 1), failure.retryAfterMs ?? 0);
    // A provider that asks for a longer pause is not asked again: the user would wait for nothing.
    const isTooLong = pauseMs > context.settings.patienceMs;
    if (!failure.retryable || tries >= maxTries || isTooLong) {
      // A form that keeps all content, then another model, then forms that lose some.
      const goesOn =
        (await reshape(turn, model, failure, sources, 'lossless')) ||
        (await fallBack(turn, context, model, failure)) ||
        (await reshape(turn, model, failure, sources, 'any'));
      return goesOn ? { type: 'cut' } : outcome;
    }
    logRetry(context, turn.id, failure, { tries, seconds, pauseMs });
    if (await pause(turn, context, pauseMs)) return { type: 'cut' };
  }
}

/**
 * Waits before a repeated call.
 *
 * @returns true if the turn must decide anew: every model call has its boundary (P6), also a repeated one
 */
async function pause(turn: LeasedTurn, context: TurnContext, ms: number): Promise<boolean> {
  const { clock } = context.core;
  const until = clock.now() + ms;
  for (;;) {
    const left = until - clock.now();
    await clock.sleep(milliseconds(Math.min(Math.max(0, left), LANE_POLL_MS)));
    await turn.refresh();
    if (turn.abortRequest !== undefined || Object.keys(turn.lane.inbox).length > 0) return true;
    if (timeIsShort(context)) return true;
    if (left <= LANE_POLL_MS) return false;
  }
}

/** `seconds`: how long this try took, without those before it. */
function logRetry(
  { core }: TurnContext,
  turn: TurnId,
  { code, reason, diagnostic }: ModelFailure,
  facts: { tries: number; seconds: number; pauseMs: number },
): void {
  core.log.warn('model call is repeated', { turn, ...facts, code, reason, diagnostic });
}
