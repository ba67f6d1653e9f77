import type { Core } from '../core.ts';
import { expiry } from '../core.ts';
import {
  type ConnectionId,
  type LaneId,
  newLaneId,
  type SessionId,
  type SessionKey,
  type TurnId,
} from '../ids.ts';
import type { Lane, Listening, Principal, Session } from '../store/items.ts';
import { laneKey, sessionKey, sessionOf } from '../store/keys.ts';
import { listen } from '../store/lane/connection.ts';
import { emptyLane } from '../store/lane/lane.ts';
import { ensureSession, joinAudience } from '../store/session-writes.ts';

export interface OpenedSession {
  /** Key of the session's items. */
  session: SessionKey;
  /** Whether it had a transcript before. */
  resumed: boolean;
  lane: LaneId;
}

/** Makes a principal's session if there is none, and a new lane in it. A deleted session gets no lane. */
export async function openSession(
  core: Core,
  {
    principal,
    sessionId,
    name,
    connection,
  }: { principal: Principal; sessionId: SessionId; name?: string; connection: ConnectionId },
): Promise<OpenedSession> {
  const expires = expiry(core);
  const session = sessionOf(principal, sessionId);
  const lane = newLaneId(core);
  const ensured = await core.store.update(
    sessionKey(session),
    ensureSession(principal, sessionId, name, core.clock.now(), expires.session),
  );
  // Deleted: the connection is told with its first frame, since nothing can be posted during `$connect`.
  if (!ensured.ok) return { session, lane, resumed: false };
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

export const lastSeq = ({ session, lane }: SessionView): number =>
  Math.max(session?.seq ?? 0, lane?.seq ?? 0);

/**
 * Adds a connection to the audience of the session, then to that of the active lane. A starting worker activates the
 * session, then claims the lane. So at least one of the two sees the other, and no event falls between replay and live
 * (P9): the caller replays what is committed up to `lastSeq`, the worker posts what follows.
 */
export async function joinSession(
  core: Core,
  key: SessionKey,
  connection: ConnectionId,
  how: Listening,
): Promise<{ lastSeq: number }> {
  const joined = await core.store.update(sessionKey(key), joinAudience(connection, how));
  if (!joined.ok) return { lastSeq: 0 };
  const { active, seq } = joined.item;
  const lane =
    active &&
    (await core.store.update(
      laneKey(key, active.lane),
      /* rule: join-includes-active-lane */ listen(connection, how),
    ));
  return { lastSeq: Math.max(seq, lane?.ok ? lane.item.seq : 0) };
}
