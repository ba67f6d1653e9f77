import { between, type EpochMs } from '../../config/units.ts';
import type { ErrorCode, FailureReason } from '../../protocol/errors.ts';
import type { EndType } from '../../protocol/events.ts';
import { expiry } from '../core.ts';
import { appliedMessages, type EventDraft, type TurnFacts } from '../events/events.ts';
import { type MessageId, newTurnId } from '../ids.ts';
import type { Json } from '../json.ts';
import type { Model } from '../model.ts';
import { recordTaken, reportOutcomes } from '../session/outcomes.ts';
import type { AbortRequest } from '../store/items.ts';
import * as lane from '../store/lane/end.ts';
import type { TurnContext } from './context.ts';
import { modelOf } from './fallback.ts';
import type { Guard, LeasedTurn } from './leased-turn.ts';
import { lacksTitle } from './title.ts';
import { usageFields } from './usage.ts';

/**
 * The ends of a turn: each commits the turn's last event together with the write that ends it on the lane. Each returns
 * false if the lane has changed since it was seen (a message came in): decide again.
 */

type EndDraft = Extract<EventDraft, { type: EndType }>;

/** The value of an answer, as fields of `done`. */
export type OutputFields = { output?: Json; output_omitted?: true };

/** The agent has answered. The write demands an empty inbox (P7: `endAnswered` in core/store/lane/end.ts). */
export async function endAnswered(
  turn: LeasedTurn,
  context: TurnContext,
  output: OutputFields,
): Promise<boolean> {
  const { core } = context;
  const { usage } = turn;
  const { from } = modelOf(turn, context);
  const { provider, name } = /* rule: done-names-its-model */ usage.model ?? context.model;
  const draft: EndDraft = {
    type: 'done',
    first: turn.firstSeq,
    ...usageFields(usage, context.model),
    model: name,
    provider,
    ...(from !== undefined && { fallback_from: from }),
    steps: usage.steps,
    ...(usage.finish !== undefined && { finish_reason: usage.finish }),
    // rule: cached-answer-is-marked
    ...(usage.cached && { cached: usage.cached }),
    ...output,
  };
  const entry = turn.lastEntryWith(draft);
  return end(turn, context, draft, lane.endAnswered(turn.lane, entry, core.clock.now(), expiry(core).lane));
}

/** The turn has no event and nothing is pending: every message was withdrawn, or answered before. It leaves no trace. */
export async function endUnbegun(turn: LeasedTurn, { core }: TurnContext): Promise<boolean> {
  const guard = lane.endAnswered(turn.lane, turn.firstEntry - 1, core.clock.now(), expiry(core).lane);
  return turn.commit([], { ...guard, ends: true });
}

/** A user stopped the turn: what was streamed stays (P3), what is pending becomes the next turn or is withdrawn. */
export async function endAborted(
  turn: LeasedTurn,
  context: TurnContext,
  by: string,
  pending: AbortRequest['pending'],
): Promise<boolean> {
  const { core } = context;
  const draft: EndDraft = { type: 'aborted', by, first: turn.firstSeq };
  const entry = turn.lastEntryWith(draft);
  const now = core.clock.now();
  const expires = expiry(core).lane;
  const discarded = pending === 'discard' ? Object.values({ ...turn.lane.inbox, ...turn.lane.waiting }) : [];
  const guard =
    pending === 'discard'
      ? lane.endDiscardingPending(turn.lane, entry, now, expires)
      : lane.endKeepingPending(turn.lane, entry, newTurnId(core), now, expires);
  if (!(await end(turn, context, draft, guard))) return false;
  // rule: discarded-content-removed
  turn.startRemovingContents(discarded);
  return true;
}

interface Failure {
  code: ErrorCode;
  message: string;
  retryable: boolean;
  reason?: FailureReason;
  /** With `BUDGET_EXCEEDED`. */
  until?: EpochMs;
  /** Messages that a hook of the agent does not let a model read. */
  refused?: readonly MessageId[];
}

/** The turn cannot go on: what was streamed stays (P3), what is pending becomes the next turn. */
export async function endFailed(
  turn: LeasedTurn,
  context: TurnContext,
  { code, message, retryable, reason, until, refused }: Failure,
): Promise<boolean> {
  const { core } = context;
  // Field by field: a failure's diagnostic is for the log alone.
  const draft: EndDraft = {
    type: 'error',
    code,
    message,
    retryable,
    ...(reason && { reason }),
    ...(until !== undefined && { until }),
    ...(refused && { refused: [...refused] }),
    first: turn.firstSeq,
  };
  const entry = turn.lastEntryWith(draft);
  const followUp = newTurnId(core);
  return end(
    turn,
    context,
    draft,
    lane.endKeepingPending(turn.lane, entry, followUp, core.clock.now(), expiry(core).lane),
  );
}

const GIVEN_UP = { code: 'AGENT_ERROR', message: 'The turn was given up: it failed too often.' } as const;

/** No worker made progress with the turn. */
export const endGivenUp = (turn: LeasedTurn, context: TurnContext): Promise<boolean> =>
  endFailed(turn, context, { ...GIVEN_UP, retryable: true });

/**
 * Ends a turn that cannot even be given up: each write that holds something of it may be refused. This one holds its last
 * event and nothing else of it. Events that could not be spilled before are lost, and what is stored of the transcript is no
 * whole turn: a number that has no entry shows it. It follows every entry that the turn's events have, stored or not, and
 * that of its last event.
 */
export async function abandon(turn: LeasedTurn, context: TurnContext): Promise<boolean> {
  const { core } = context;
  await turn.trySpill();
  await tryRecordTaken(turn);
  const { code, message } = GIVEN_UP;
  const draft: EndDraft = { type: 'error', code, message, retryable: false, first: turn.firstSeq };
  const guard = lane.endKeepingPending(
    turn.lane,
    turn.lane.entry + 2,
    newTurnId(core),
    core.clock.now(),
    expiry(core).lane,
  );
  core.log.error('a turn was abandoned', { turn: turn.id, claims: turn.lane.claims });
  return end(turn, context, draft, { ...guard, dropsUnspilled: true });
}

async function tryRecordTaken({ core, lane, id: turn }: LeasedTurn): Promise<void> {
  try {
    // rule: abandoned-turn-has-taken-its-messages
    await recordTaken(core, lane, turn, lane.ids);
  } catch (error) {
    core.log.error('what became of messages was not stored', { turn, error: String(error) });
  }
}

async function end(
  turn: LeasedTurn,
  { model, hooks, titler }: Pick<TurnContext, 'model' | 'hooks' | 'titler'>,
  draft: EndDraft,
  guard: Guard,
): Promise<boolean> {
  // The lane has no turn afterwards, or the next one.
  const { id, slot } = turn;
  const wantsTitle =
    titler !== undefined &&
    /* rule: answer-asks-for-title */ draft.type === 'done' &&
    lacksTitle(turn.sessionItem);
  const followed = hooks?.afterTurn !== undefined || wantsTitle;
  const told =
    turn.core.bus || followed
      ? { ...draft, facts: { ...factsOf(turn, model), ...(followed && { followed }) } }
      : draft;
  if (!(await turn.commit([told], { ...guard, ends: true }))) return false;
  const { metrics, milestones, clock } = turn.core;
  const sinceBegunMs = between(turn.beganAt, clock.now());
  const messages = appliedMessages(turn.events);
  metrics.countBy('Turns', draft.type);
  if (turn.log.agent !== undefined) metrics.countBy('AgentTurns', turn.log.agent);
  metrics.time('TurnTime', sinceBegunMs);
  metrics.count('MessagesAnswered', messages);
  milestones.reached('turn ended', turn.session, {
    lane: turn.laneId,
    slot,
    turn: id,
    agent: turn.log.agent,
    outcome: draft.type,
    ...(draft.type === 'error' && { code: draft.code }),
    messages,
    steps: turn.usage.steps,
    sinceBegunMs,
  });
  return true;
}

/** What other systems are told of the end. It is committed with it, so that a worker that takes over tells the same. */
function factsOf({ usage, events, beganAt, core }: LeasedTurn, own: Model): TurnFacts {
  const { provider, name } = usage.model ?? own;
  return {
    began: beganAt,
    ended: core.clock.now(),
    messages: appliedMessages(events),
    steps: usage.steps,
    usage: usageFields(usage, own),
    provider,
    model: name,
  };
}

/** After the commit that ended the turn: completes the transcript, and reports what became of withdrawn messages. */
export async function publishEnd(turn: LeasedTurn): Promise<void> {
  await turn.writeEntries();
  await reportOutcomes(turn.core, turn.laneId, turn.lane);
}
