import type { FailureReason } from '../../protocol/errors.ts';
import { expiry } from '../core.ts';
import type { EventDraft, TurnErrorCode } from '../events/events.ts';
import { reportOutcomes } from '../session/outcomes.ts';
import { endAnswered, endDiscardingPending, endKeepingPending } from '../store/lane/end.ts';
import { set } from '../store/update.ts';
import type { TurnContext } from './context.ts';
import { modelOf } from './fallback.ts';
import type { Guard, Hold } from './hold.ts';

/** Each returns false when the lane has changed since it was seen (a message came in): decide again. */

/** The agent has answered: only an empty inbox is missing, and that is the condition of this very write (P7). */
export async function finish(hold: Hold, context: TurnContext): Promise<boolean> {
  const { core } = context;
  const { usage: used } = hold;
  const { model, from } = modelOf(hold, context);
  const draft: EventDraft = {
    type: 'done',
    first: hold.firstSeq,
    input_tokens: used.inputTokens,
    output_tokens: used.outputTokens,
    last_input_tokens: used.lastInputTokens,
    model: model.name,
    provider: model.provider,
    ...(from !== undefined && { fallback_from: from }),
    steps: used.steps,
    ...(used.cached && { cached: used.cached }),
  };
  const guard = endAnswered(hold.lane, hold.lastEntryWith(draft), core.clock.now(), expiry(core).lane);
  return end(hold, draft, guard);
}

/** A turn's last event. */
async function end(hold: Hold, draft: EventDraft, guard: Guard): Promise<boolean> {
  if (!(await hold.commit([draft], { ...guard, ends: true }))) return false;
  const { metrics, clock } = hold.core;
  metrics.countBy('Turns', draft.type);
  metrics.time('TurnTime', clock.now() - hold.beganAt);
  return true;
}

/** Nothing was said and nothing pends: every message was withdrawn, or answered before. The turn leaves no trace. */
export async function finishUnbegun(hold: Hold, { core }: TurnContext): Promise<boolean> {
  const guard = endAnswered(hold.lane, hold.firstEntry - 1, core.clock.now(), expiry(core).lane);
  return hold.commit([], { ...guard, ends: true });
}

/** Somebody asked to stop: what was said stays (P3), what pends is the next turn or is cancelled. */
export async function finishAborted(
  hold: Hold,
  { core }: TurnContext,
  by: string,
  pending: 'keep' | 'discard',
) {
  const draft: EventDraft = { type: 'aborted', by, first: hold.firstSeq };
  const entry = hold.lastEntryWith(draft);
  const now = core.clock.now();
  const expires = expiry(core).lane;
  const guard =
    pending === 'discard'
      ? endDiscardingPending(hold.lane, entry, now, expires)
      : endKeepingPending(hold.lane, entry, core.newId(), now, expires);
  return end(hold, draft, guard);
}

/** The turn cannot go on: what was said stays, what pends is the next turn. */
export async function finishFailed(
  hold: Hold,
  { core }: TurnContext,
  {
    code,
    message,
    retryable,
    reason,
  }: { code: TurnErrorCode; message: string; retryable: boolean; reason?: FailureReason },
): Promise<boolean> {
  // Field by field: the failure's diagnostic is for the log alone.
  const draft: EventDraft = {
    type: 'error',
    code,
    message,
    retryable,
    ...(reason && { reason }),
    first: hold.firstSeq,
  };
  const guard = endKeepingPending(
    hold.lane,
    hold.lastEntryWith(draft),
    core.newId(),
    core.clock.now(),
    expiry(core).lane,
  );
  return end(hold, draft, guard);
}

/**
 * A claimed turn whose events already hold its end (a request that came through late revived it): its messages go on
 * under a new turn id, since nothing may follow an end.
 */
export async function renew(hold: Hold, { core }: TurnContext, guard: Guard = {}): Promise<void> {
  // The attempts were those of the turn that has ended.
  const change = [
    ...(guard.change ?? []),
    set<Hold['lane']>('turn', core.newId()),
    set<Hold['lane']>('attempts', 0),
  ];
  if (await hold.commit([], { ...guard, change })) hold.forgetTurn();
}

/** After the commit that ended the turn: the transcript, and the outcomes of what it withdrew. */
export async function publishEnding(hold: Hold): Promise<void> {
  await hold.writeEntries();
  await reportOutcomes(hold.core, hold.laneId, hold.lane);
}
