import { between, epochMs, milliseconds } from '../../config/units.ts';
import { MAX_FRAME_BYTES } from '../../protocol/limits.ts';
import { arrivalWait, inOrderOfArrival } from '../arrival.ts';
import type { Content } from '../content.ts';
import type { AppliedMessage, EventDraft, TurnStartContext } from '../events/events.ts';
import { byId, idsOf, type MessageId, newTurnId } from '../ids.ts';
import type { Json } from '../json.ts';
import { bytesOfJson } from '../json-bytes.ts';
import type { MessageContext } from '../message-context.ts';
import { ownValue } from '../own-value.ts';
import { reportOutcomes } from '../session/outcomes.ts';
import { readContent } from '../session/pending-content.ts';
import { eachOf } from '../store/each-of.ts';
import type { Lane, MessageOutcome, Withdrawal } from '../store/items.ts';
import { messageKey } from '../store/keys.ts';
import { removeApplied, removeUnfit } from '../store/lane/apply.ts';
import { set } from '../store/update.ts';
import { batchesBySize } from './batches.ts';
import { TurnBudget } from './budget.ts';
import type { TurnContext } from './context.ts';
import { type LeasedTurn, MAX_COMMIT_BYTES } from './leased-turn.ts';
import { TurnOpening } from './opening.ts';

/** Room for an `applied` frame's own fields. */
const APPLIED_BYTES = MAX_FRAME_BYTES - 1024;
const ARRIVAL_POLL_MS = milliseconds(20);

/** What is stored apart about a pending message. */
export interface LookUp {
  /** It was answered before. */
  outcome: MessageOutcome | undefined;
  /** Undefined: it is gone. */
  said: { content: Content; context: MessageContext } | undefined;
}

/**
 * Applies the inbox to the turn: one commit of `applied` removes exactly these messages (P1, P6) and begins the turn if it
 * has not begun. It is refused if the inbox has changed meanwhile. What is too long for one commit is applied by the
 * next one, before the model is called.
 */
export async function applyInbox(
  turn: LeasedTurn,
  context: TurnContext,
  opening = new TurnOpening(context),
  budget = new TurnBudget(turn, context),
): Promise<void> {
  const lookUps = new Map<MessageId, LookUp>();
  await awaitArrivals(turn, context, lookUps);
  const pending = inOrderOfArrival(turn.lane.inbox);
  // Every pending message was cancelled while we waited for earlier ones. Return without starting a step or clearing
  // `answered`.
  if (pending.length === 0) return;
  await lookUp(turn, lookUps);
  const fresh: AppliedMessage[] = [];
  // A late duplicate of a request can bring back a message that was answered long ago: its outcome is known (P10).
  const known: MessageId[] = [];
  // A late duplicate of a request can also bring in a message after it was refused, and its content removed.
  const unfit = new Map<MessageId, Withdrawal>();
  /** Of the first message, which begins the turn: the context of the others is not used. */
  let first: { context: MessageContext; options: Json | undefined } | undefined;
  for (const { id, at } of pending) {
    const { outcome, said } = lookUps.get(id) ?? {};
    if (outcome) {
      known.push(id);
      continue;
    }
    if (!said) {
      unfit.set(id, { code: 'AGENT_ERROR' });
      continue;
    }
    const { content, context: given } = said;
    const begins = !turn.hasBegun && fresh.length === 0;
    const { options, refused } = await opening.check(id, given, { begins });
    // rule: unfit-options-not-applied
    if (refused) {
      unfit.set(id, refused);
      continue;
    }
    fresh.push({
      id,
      /* rule: content-applied-whole */ content,
      at,
      /* rule: system-message-is-marked */ ...(given.from && { from: given.from }),
    });
    first ??= { context: given, options };
  }
  const refused = fresh.length > 0 ? await budget.refusal(first?.context.claims) : undefined;
  // rule: spent-budget-applies-nothing
  if (refused) for (const { id } of fresh) unfit.set(id, refused);
  if (known.length + unfit.size > 0) {
    await removePending(turn, context, known, unfit);
    return;
  }
  const [opener] = fresh;
  const { id: turnId, sessionItem } = turn;
  const start =
    opener && first && !turn.hasBegun
      ? await opening.start(
          { id: opener.id, turn: turnId, session: sessionItem },
          first.context,
          first.options,
        )
      : {};
  await applyMessages(turn, context, firstOf(fresh, MAX_COMMIT_BYTES - bytesOfJson(start)), start);
}

/** Rejects the whole inbox of a turn that no worker could begin: something in it cannot be stored. */
export const rejectPending = (turn: LeasedTurn, context: TurnContext): Promise<void> =>
  removePending(
    turn,
    context,
    [],
    new Map(idsOf(turn.lane.inbox).map((id) => [id, { code: 'AGENT_ERROR' as const }])),
  );

/** Removes messages that are not applied. Their turn may be over too, so what is left continues under a new turn id. */
export async function removePending(
  turn: LeasedTurn,
  { core }: TurnContext,
  known: readonly MessageId[],
  unfit: ReadonlyMap<MessageId, Withdrawal>,
): Promise<void> {
  const gone = pendingOf(turn, [...known, ...unfit.keys()]);
  const guard = removeUnfit(turn.lane, known, unfit);
  const removed = turn.hasBegun ? await turn.commit([], guard) : await turn.renew(newTurnId(core), guard);
  if (!removed) return;
  turn.startRemovingContents(gone);
  if (unfit.size === 0) return;
  const count = [...unfit.values()].filter(({ code }) => code === 'AGENT_ERROR').length;
  // Options that do not fit are a mistake of the client, which is told.
  if (count > 0) core.log.error('messages that cannot be applied were withdrawn', { turn: turn.id, count });
  await reportOutcomes(core, turn.laneId, turn.lane);
}

async function applyMessages(
  turn: LeasedTurn,
  { core, name }: TurnContext,
  fresh: readonly AppliedMessage[],
  start: TurnStartContext,
): Promise<void> {
  const step = turn.usage.steps + 1;
  const now = core.clock.now();
  const ids = fresh.map(({ id }) => id);
  const drafts: EventDraft[] = [];
  const begin: ReturnType<typeof set<Lane>>[] = [];
  if (!turn.hasBegun) {
    const entry = turn.firstEntry;
    const isEmpty = Object.keys(start).length === 0;
    drafts.push({
      type: 'turn_start',
      message_ids: ids,
      entry,
      at: now,
      ...(name !== undefined && { agent: name }),
      .../* rule: context-committed-with-start */ (!isEmpty && { context: start }),
    });
    begin.push(set('begun', { turn: turn.id, seq: turn.nextSeq, entry, at: now }));
  }
  for (const messages of inFrames(fresh)) drafts.push({ type: 'applied', messages, step });
  const { usage } = turn;
  if (usage.answered) turn.usage = { ...usage, answered: false };
  const applied = pendingOf(turn, ids);
  const guard = removeApplied(turn.lane, ids, ids, step);
  const steers = turn.hasBegun;
  const { since = now } = turn.lane;
  if (!(await turn.commit(drafts, { when: guard.when, change: [...guard.change, ...begin] }))) {
    // Nothing was applied: a finished answer is still one.
    turn.usage = usage;
    return;
  }
  turn.startWritingEntries();
  // rule: applied-content-removed
  turn.startRemovingContents(applied);
  core.milestones.reached('messages applied', turn.session, {
    lane: turn.laneId,
    turn: turn.id,
    agent: name,
    step,
    messages: ids,
    sinceReceivedMs: between(epochMs(Math.min(...fresh.map(({ at }) => at))), now),
  });
  if (steers) core.metrics.count('SteeringTakenIn', fresh.length);
  else core.metrics.time('QueueWait', between(since, now));
}

const pendingOf = ({ lane }: LeasedTurn, ids: readonly MessageId[]) =>
  ids.flatMap((id) => ownValue(lane.inbox, id) ?? []);

/**
 * As many of the messages as one commit takes, and at least one. Escapes make JSON up to six times as long as what counts
 * against `MIDTURN_INBOX_BYTES`.
 */
const firstOf = (messages: readonly AppliedMessage[], bytes: number): readonly AppliedMessage[] =>
  batchesBySize(messages, bytes)[0] ?? [];

/** Splits messages into `applied` events that each fit into a frame. */
const inFrames = (messages: readonly AppliedMessage[]) => batchesBySize(messages, APPLIED_BYTES);

/** Waits for messages that were sent before those in the inbox. In ordinary use there are none, and it does not wait. */
async function awaitArrivals(
  turn: LeasedTurn,
  { core }: TurnContext,
  lookUps: Map<MessageId, LookUp>,
): Promise<void> {
  // Messages are accepted concurrently. The lane as last seen may hold one that was sent later and not yet one that was
  // sent earlier.
  if (turn.hasBegun) await Promise.all([turn.refresh(), lookUp(turn, lookUps)]);
  for (;;) {
    const wait = arrivalWait(turn.lane, core.clock.now());
    if (wait === 0) return;
    await core.clock.sleep(milliseconds(Math.min(wait, ARRIVAL_POLL_MS)));
    await turn.refresh();
  }
}

/**
 * Reads what is stored apart about messages in the inbox, unless that was read before. A result stays true while the lane is
 * leased: nobody else applies a message, and the lane remembers the id of one that is withdrawn, so it cannot come back in
 * this turn.
 */
export async function lookUp(
  { core, session, lane }: LeasedTurn,
  lookUps: Map<MessageId, LookUp>,
): Promise<void> {
  const unread = byId(lane.inbox).filter(([id]) => !lookUps.has(id));
  await eachOf(unread, async ([id, message]) => {
    const [outcome, said] = await Promise.all([
      /* rule: known-outcome-not-applied-again */ core.store.get(messageKey(session, id)),
      readContent(core, session, message),
    ]);
    lookUps.set(id, { outcome, said });
  });
}
