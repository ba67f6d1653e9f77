import type { Core } from '../core.ts';
import { byId, type LaneId } from '../ids.ts';
import { ownValue } from '../own-value.ts';
import { findForwarded, formatForwardTarget, parseForwardTarget } from '../session/forwarded.ts';
import { reportOutcomes } from '../session/outcomes.ts';
import { leasedTurn, viewSession } from '../session/sessions.ts';
import type { Lane } from '../store/items.ts';
import { laneKey } from '../store/keys.ts';
import type { Acceptance } from '../store/lane/accept.ts';
import { accept, acceptWaiting } from '../store/lane/accept.ts';
import {
  acceptForwarded,
  acceptReturned,
  forgetForwarded,
  forwardMessage,
  returnOutcome,
} from '../store/lane/forward.ts';
import type { Update } from '../store/update.ts';

/** Where a message is to be accepted: the lane, and the writes to try in order until one succeeds. */
export interface Destination {
  laneId: LaneId;
  writes: Update<Lane>[];
}

/** The sender's own lane. It is not read before. */
export const ownDestination = (laneId: LaneId, acceptance: Acceptance, queued: boolean): Destination => ({
  laneId,
  writes: queued ? [accept(acceptance, true), acceptWaiting(acceptance)] : [accept(acceptance)],
});

/**
 * The target lane of a message with `delivery: steer` in the scope of the session: a lane without a turn steers the turn
 * that runs on another lane. The message is forwarded by a write on its own lane first, so that its repeats follow it (P10).
 *
 * @returns undefined if the message belongs on its own lane
 */
export async function forwardDestination(
  core: Core,
  ownId: LaneId,
  own: Lane,
  acceptance: Acceptance,
): Promise<Destination | undefined> {
  const { id, message, session } = acceptance;
  const earlier = ownValue(own.forwarded, id);
  const text = earlier ?? (await forward(core, ownId, own, acceptance));
  if (text === undefined) return undefined;
  const place = parseForwardTarget(text);
  // It can no longer arrive there, so it is accepted here. By now its sender's lane may have a turn.
  if (earlier !== undefined && (await findForwarded(core, session, id, place)).is === 'nowhere')
    return { laneId: ownId, writes: [acceptReturned(acceptance, earlier)] };
  const there = { ...acceptance, message: { ...message, from: ownId } };
  return { laneId: place.laneId, writes: [acceptForwarded(there, place.turn)] };
}

async function forward(
  core: Core,
  ownId: LaneId,
  own: Lane,
  acceptance: Acceptance,
): Promise<string | undefined> {
  if (core.sessionSettings.steerScope !== 'session' || own.turn !== undefined) return undefined;
  const running = leasedTurn(await viewSession(core, acceptance.session));
  if (!running || running.laneId === ownId) return undefined;
  await settleForwarded(core, ownId, own);
  const place = formatForwardTarget(running);
  // Refused if too many messages are forwarded already: then it opens a turn of its own, after all of them.
  const written = /* rule: forward-recorded-first */ await core.store.update(
    laneKey(acceptance.session, ownId),
    forwardMessage(acceptance, place, own.lastOrder),
  );
  return written.ok ? place : undefined;
}

/**
 * Settles the forwarded messages of a lane. Those that were applied or never arrived are forgotten. The outcomes of those
 * that were withdrawn are reported to the sender, which was away before.
 */
export async function settleForwarded(core: Core, ownId: LaneId, own: Lane): Promise<void> {
  let withdrawn = false;
  for (const [id, text] of byId(own.forwarded)) {
    const place = parseForwardTarget(text);
    const found = await findForwarded(core, own.session, id, place);
    if (found.is === 'there' && Object.hasOwn(found.lane.undelivered, id)) {
      await reportOutcomes(core, place.laneId, found.lane);
    } else if (found.is === 'settled' && found.outcome.outcome === 'withdrawn') {
      withdrawn = true;
      await core.store.update(laneKey(own.session, ownId), returnOutcome(id, found.outcome));
    } else if (/* rule: forwarded-kept-while-pending */ found.is === 'settled' || found.is === 'nowhere')
      await core.store.update(laneKey(own.session, ownId), forgetForwarded(id, text));
  }
  if (withdrawn) await reportOutcomes(core, ownId, await core.store.get(laneKey(own.session, ownId)));
}
