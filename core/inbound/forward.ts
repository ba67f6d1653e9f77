import type { Core } from '../core.ts';
import { lookFor, placeOf, placeText } from '../session/forwarded.ts';
import { tellFates } from '../session/outcomes.ts';
import { heldTurn, viewSession } from '../session/sessions.ts';
import type { Lane } from '../store/items.ts';
import { laneKey } from '../store/keys.ts';
import type { Acceptance } from '../store/lane-writes.ts';
import {
  accept,
  acceptBack,
  acceptFromElsewhere,
  acceptWaiting,
  bringNoticeHome,
  forgetElsewhere,
  sendElsewhere,
} from '../store/lane-writes.ts';
import type { Update } from '../store/update.ts';

/** Where a message is to be accepted: the lane, and the writes that would do it, of which the first that can be is made. */
export interface Seat {
  laneId: string;
  writes: Update<Lane>[];
}

/** Of the sender's own lane, which needs no look at it. */
export const ownSeat = (laneId: string, acceptance: Acceptance, queued: boolean): Seat => ({
  laneId,
  writes: queued ? [accept(acceptance, true), acceptWaiting(acceptance)] : [accept(acceptance)],
});

/**
 * `delivery: steer` in the scope of the session: a lane without a turn steers the turn that runs on another. The message
 * sets out by a write on its own lane first: from then on its repeats follow it, whoever handles them. Undefined: its own
 * lane is where it belongs.
 */
export async function seatElsewhere(
  core: Core,
  ownId: string,
  own: Lane,
  acceptance: Acceptance,
): Promise<Seat | undefined> {
  const { id, message, session } = acceptance;
  const earlier = own.elsewhere[id];
  const text = earlier ?? (await setOut(core, ownId, own, acceptance));
  if (text === undefined) return undefined;
  const place = placeOf(text);
  // What can no longer arrive there is accepted here; by then its sender's lane may have a turn.
  if (earlier !== undefined && (await lookFor(core, session, id, place)).is === 'nowhere')
    return { laneId: ownId, writes: [acceptBack(acceptance, earlier)] };
  const there = { ...acceptance, message: { ...message, from: ownId } };
  return { laneId: place.laneId, writes: [acceptFromElsewhere(there, place.turn)] };
}

async function setOut(
  core: Core,
  ownId: string,
  own: Lane,
  acceptance: Acceptance,
): Promise<string | undefined> {
  if (core.steerScope !== 'session' || own.turn !== undefined) return undefined;
  const running = heldTurn(await viewSession(core, acceptance.session));
  if (!running || running.laneId === ownId) return undefined;
  await tidyElsewhere(core, ownId, own);
  const place = placeText(running);
  // Refused where too much is elsewhere already: a turn of its own comes after all of that.
  const written = await core.store.update(
    laneKey(acceptance.session, ownId),
    sendElsewhere(acceptance, place, own.counted),
  );
  return written.ok ? place : undefined;
}

/**
 * Looks after the messages of a lane that had set out. Those that were taken in, or never arrived, are forgotten; of those
 * that were withdrawn the sender hears now, who was away then.
 */
export async function tidyElsewhere(core: Core, ownId: string, own: Lane): Promise<void> {
  const gone: Record<string, string> = {};
  let withdrawn = false;
  for (const [id, text] of Object.entries(own.elsewhere)) {
    const place = placeOf(text);
    const found = await lookFor(core, own.session, id, place);
    if (found.is === 'there' && Object.hasOwn(found.lane.notices, id)) {
      await tellFates(core, place.laneId, found.lane);
    } else if (found.is === 'settled' && found.fate.fate === 'withdrawn') {
      withdrawn = true;
      await core.store.update(laneKey(own.session, ownId), bringNoticeHome(id, found.fate.code));
    } else if (found.is === 'settled' || found.is === 'nowhere') gone[id] = text;
  }
  if (Object.keys(gone).length > 0)
    await core.store.update(laneKey(own.session, ownId), forgetElsewhere(gone));
  if (withdrawn) await tellFates(core, ownId, await core.store.get(laneKey(own.session, ownId)));
}
