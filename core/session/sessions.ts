import type { Core } from '../core.ts';
import { expiry } from '../core.ts';
import {
  byId,
  type ConnectionId,
  type LaneId,
  newLaneId,
  type SessionId,
  type SessionKey,
  type SlotId,
  type TurnId,
} from '../ids.ts';
import type { Audience, Lane, Principal, Session } from '../store/items.ts';
import { laneKey, sessionKey, sessionOf } from '../store/keys.ts';
import { listen, listenFrom, stopListening } from '../store/lane/connection.ts';
import { emptyLane } from '../store/lane/lane.ts';
import { listening, readListening } from '../store/listening.ts';
import {
  ensureSession,
  joinAudience,
  leaveAudience,
  makeLive,
  makeLiveAtRest,
  makeLiveBeside,
} from '../store/session-writes.ts';

export interface OpenedSession {
  /** Key of the session's items. */
  session: SessionKey;
  /** Whether it had a transcript before. */
  resumed: boolean;
  lane: LaneId;
}

/** Whether its principal is shown it: it is there, not deleted, and not half a fork. */
export const isShown = (item: Session | undefined): item is Session =>
  item !== undefined && item.deleted === undefined && item.copying === undefined;

/**
 * Makes a principal's session if there is none, and a new lane in it. A deleted session gets no lane.
 *
 * @returns undefined: it is half a fork, and nobody is connected to it
 */
export async function openSession(
  core: Core,
  {
    principal,
    sessionId,
    name,
    connection,
  }: { principal: Principal; sessionId: SessionId; name?: string; connection: ConnectionId },
): Promise<OpenedSession | undefined> {
  const expires = expiry(core);
  const session = sessionOf(principal, sessionId);
  const lane = newLaneId(core);
  const ensured = await core.store.update(
    sessionKey(session),
    ensureSession(principal, sessionId, name, core.clock.now(), expires.session),
  );
  // Deleted: the connection is told with its first frame, since nothing can be posted during `$connect`.
  if (!ensured.ok) return (await isDeleted(core, session)) ? { session, lane, resumed: false } : undefined;
  // If absent: a late duplicate of this request must not empty a lane that is in use.
  // rule: late-connect-keeps-lane
  await core.store.putIfAbsent(laneKey(session, lane), emptyLane(session, connection, expires.lane));
  return { session, lane, resumed: ensured.item.entry > 0 || ensured.item.active !== undefined };
}

export const isDeleted = async (core: Pick<Core, 'store'>, session: SessionKey): Promise<boolean> =>
  (await core.store.get(sessionKey(session)))?.deleted !== undefined;

export interface SessionView {
  session: Session | undefined;
  /** The lane of the active slot, whose events the session may not count yet. */
  lane: Lane | undefined;
  laneId: LaneId | undefined;
}

/** Reads the session, then its active lane. In this order, what a worker moves from lane to session is seen at least once. */
export async function viewSession(core: Pick<Core, 'store'>, key: SessionKey): Promise<SessionView> {
  const session = await core.store.get(sessionKey(key));
  const laneId = session?.active?.lane;
  const lane = laneId === undefined ? undefined : await core.store.get(laneKey(key, laneId));
  return { session, lane, laneId };
}

/** The turn that runs now. `session.active` is a hint: its lane may have ended it already. */
export const runningTurn = ({ session, lane }: SessionView): Lane['begun'] =>
  lane?.slot !== undefined && lane.slot === session?.active?.slot && lane.begun?.turn === lane.turn
    ? lane.begun
    : undefined;

/** The turn that has a worker, on whichever lane of the session: it can be aborted and steered from any connection. */
export function leasedTurn({
  session,
  lane,
  laneId,
}: SessionView): { lane: Lane; laneId: LaneId; turn: TurnId } | undefined {
  if (!lane || laneId === undefined || lane.turn === undefined || lane.lease === undefined) return undefined;
  return lane.slot === session?.active?.slot ? { lane, laneId, turn: lane.turn } : undefined;
}

/** The number of the last entry without those of the running turn, which its lane counts. */
export function endedEntries(view: SessionView): number {
  const running = runningTurn(view);
  return running ? running.entry - 1 : Math.max(view.session?.entry ?? 0, view.lane?.entry ?? 0);
}

export const lastSeq = ({ session, lane }: SessionView): number =>
  Math.max(session?.seq ?? 0, lane?.seq ?? 0);

/** How far the session is: the number of its last event, and the slot whose lane may commit the next one. */
export interface Position {
  lastSeq: number;
  active: Session['active'];
  audience: Audience;
}

/**
 * Adds a connection to the audience of the session, then to that of the active lane, as catching up: a replay has posted
 * everything up to `seq`. A starting worker activates the session, then claims the lane, so at least one of the two sees the
 * other. No worker posts to the connection until `goLive`.
 *
 * @returns undefined if the session is deleted, or a later replay to the connection has begun
 */
export async function joinSession(
  core: Pick<Core, 'store'>,
  key: SessionKey,
  connection: ConnectionId,
  { join, seq }: { join: number; seq: number },
): Promise<Position | undefined> {
  const how = listening({ join, seq, isLive: /* rule: joins-as-catching-up */ false });
  const joined = await core.store.update(sessionKey(key), joinAudience(connection, how));
  if (!joined.ok) return undefined;
  const { active, audience, seq: counted } = joined.item;
  const lane =
    active &&
    (await core.store.update(
      laneKey(key, active.lane),
      /* rule: join-includes-active-lane */ listen(connection, how),
    ));
  return { lastSeq: Math.max(counted, lane?.ok ? lane.item.seq : 0), active, audience };
}

/**
 * Makes a connection live that was posted everything up to `seq`. The write on the active lane demands that nothing was
 * committed after that. So each later event is committed by a worker that sees the listener, and is posted by that worker
 * alone (P9).
 *
 * The lane comes before the session. A worker that retires the lane's slot in between carries the listener over to the session
 * (`carryOver`), where the next worker finds it.
 *
 * @returns `behind`: there are later events, or the listener is gone; look again. `again`: the lane says that it is live, and
 * is not the active one any more; only a new join overrules that.
 */
export async function goLive(
  core: Pick<Core, 'store'>,
  key: SessionKey,
  connection: ConnectionId,
  { join, seq }: { join: number; seq: number },
  active: Session['active'],
): Promise<'live' | 'behind' | 'again'> {
  const { store } = core;
  const live = listening({ join, seq, isLive: true });
  // A refusal may be that of a repeat: the write took effect, its answer was lost, and events were committed since. A worker
  // posts these to the connection already.
  const isLiveIn = (item: { audience: Audience } | undefined) =>
    /* rule: refused-repeat-is-live */ item?.audience[connection] === live;
  const atRest = async (ended?: SlotId) => {
    const written = await store.update(sessionKey(key), makeLiveAtRest(connection, live, seq, ended));
    return written.ok || isLiveIn(await store.get(sessionKey(key))) ? 'live' : 'behind';
  };
  if (active === undefined) return atRest();
  const written = await store.update(
    laneKey(key, active.lane),
    listenFrom(connection, live, seq, active.slot),
  );
  if (!written.ok) {
    const lane = await store.get(laneKey(key, active.lane));
    const hasMovedOn = lane !== undefined && lane.slot !== active.slot && lane.seq <= seq;
    if (!isLiveIn(lane)) return hasMovedOn ? atRest(active.slot) : 'behind';
  }
  const session = await store.update(sessionKey(key), makeLiveBeside(connection, live, seq, active.lane));
  // Or a worker has carried it over.
  return session.ok || isLiveIn(await store.get(sessionKey(key))) ? 'live' : 'again';
}

/** Before a slot is retired: takes over who went live on its lane while the session still says "catching up". */
export async function carryOver(
  core: Pick<Core, 'store'>,
  key: SessionKey,
  session: Audience,
  lane: Audience,
): Promise<void> {
  const late = byId(lane).filter(
    ([connection, how]) => how > (session[connection] ?? 0) && readListening(how).isLive,
  );
  // rule: live-listeners-carried-over
  await Promise.all(late.map(([id, how]) => core.store.update(sessionKey(key), makeLive(id, how))));
}

/** Removes a connection from the audience of the session and of a lane. */
export async function leaveSession(
  core: Pick<Core, 'store'>,
  key: SessionKey,
  connection: ConnectionId,
  lane: LaneId | undefined,
): Promise<void> {
  const { store } = core;
  await Promise.all([
    store.update(sessionKey(key), leaveAudience(connection)),
    lane && store.update(laneKey(key, lane), stopListening(connection)),
  ]);
}
