import { MAX_CONTENT_BYTES, MAX_FRAME_BYTES } from '../../protocol/limits.ts';
import type { SessionStart } from '../../protocol/server-frames.ts';
import type { Core } from '../core.ts';
import { reply, sessionDeleted } from '../replies.ts';
import { joinSession, lastSeq, openSession, runningTurn, viewSession } from '../session/sessions.ts';
import type { Connection } from '../store/items.ts';
import { LIVE } from '../store/items.ts';
import { connectionKey, laneKey } from '../store/keys.ts';
import { adopt } from '../store/lane/connection.ts';
import type { Update } from '../store/update.ts';
import { absent, any, equals, exists, set, setIfAbsent } from '../store/update.ts';
import { sendMissed } from './replay.ts';

/**
 * API Gateway allows no post during `$connect`, so `session_start` answers the first frame, whatever it is, before
 * anything else. Frames of one connection run concurrently: one of them greets, the others wait until it has.
 */

/** Waiting frames look whether the greeting is over, ever less often. */
const FIRST_POLL_MS = 10;
const LAST_POLL_MS = 250;
/** A greeter that takes longer is taken for dead, and another frame greets: twice is better than never. */
const OPENER_TIMEOUT_MS = 2000;

/** Which session and lane the first frame may still choose. */
export interface ConnectionChoice {
  sessionId?: string | undefined;
  lane?: string | undefined;
  /** It is a `connect`, which the greeting answers. */
  connecting?: boolean;
  /** The client has the events up to this one, and wants those that follow. */
  after?: number | undefined;
}

export interface OpenedConnection {
  connection: Connection;
  /** Whether this call sent `session_start`. */
  here: boolean;
}

/** Undefined: the connection is closed, or was never made. */
export async function openConnection(
  core: Core,
  id: string,
  wish: ConnectionChoice = {},
): Promise<OpenedConnection | undefined> {
  const key = connectionKey(id);
  const me = core.newId();
  let read = await core.store.get(key);
  let waitsFor = read?.opener;
  let since = core.clock.now();
  for (let pause = FIRST_POLL_MS; read && !read.opened; pause = Math.min(2 * pause, LAST_POLL_MS)) {
    if (read.opener !== waitsFor) {
      waitsFor = read.opener;
      since = core.clock.now();
    }
    if (read.opener === undefined || core.clock.now() - since > OPENER_TIMEOUT_MS) {
      const mine = await core.store.update(key, becomeOpener(me, read.opener, wish));
      const bound = mine.ok ? await bind(core, id, me, mine.item, wish) : undefined;
      if (bound) return { connection: await sendOpening(core, id, bound, wish), here: true };
    }
    await core.clock.sleep(pause);
    read = await core.store.get(key);
  }
  return read && { connection: read, here: false };
}

/** A frame without a wish binds the connection to the lane of `$connect` by the same write. */
const hasChoice = ({ sessionId, lane }: ConnectionChoice) => sessionId !== undefined || lane !== undefined;

/** Recognised: `greeter` is me; done twice, it is still me. */
const becomeOpener = (
  me: string,
  instead: string | undefined,
  wish: ConnectionChoice,
): Update<Connection> => ({
  when: [
    exists('session'),
    absent('opened'),
    instead === undefined
      ? any(absent('opener'), equals('opener', me))
      : any(equals('opener', instead), equals('opener', me)),
  ],
  change: [set('opener', me), ...(hasChoice(wish) ? [] : [setIfAbsent<Connection>('bound', true)])],
});

/**
 * The connection's session and lane are chosen once, before anything is said: a greeter that was taken for dead and wakes
 * up later says nothing else than the one that took its place. Undefined: another has it now; look again.
 */
async function bind(
  core: Core,
  id: string,
  me: string,
  made: Connection,
  wish: ConnectionChoice,
): Promise<Connection | undefined> {
  if (made.bound) return made;
  const { session, sessionId, lane, resumed } = await chooseSessionAndLane(core, id, made, wish);
  const written = await core.store.update(connectionKey(id), {
    when: [equals('opener', me), absent('bound')],
    change: [
      set('bound', true),
      set('session', session),
      set('sessionId', sessionId),
      set('lane', lane),
      set('resumed', resumed),
    ],
  });
  if (written.ok) return written.item;
  const now = await core.store.get(connectionKey(id));
  return now?.opener === me && now.bound ? now : undefined;
}

async function sendOpening(
  core: Core,
  id: string,
  connection: Connection,
  wish: ConnectionChoice,
): Promise<Connection> {
  const { session } = connection;
  const told = await sendSessionStart(core, id, connection);
  // Also for a client that asks for nothing: what was committed since it was told of is neither told of nor live.
  await sendMissed(core, id, session, wish.after ?? told);
  await Promise.all([
    joinSession(core, session, id, LIVE),
    core.store.update(connectionKey(id), {
      when: [exists('session')],
      change: [set('opened', true), ...(wish.connecting ? [set<Connection>('connected', true)] : [])],
    }),
  ]);
  return connection;
}

/**
 * Whether this `connect` is the connection's first. A client may send other frames with it at once; where one of those
 * was greeted, the `session_start` that answers `connect` is there already. A later `connect` asks for a new one.
 */
export async function isFirstConnect(core: Core, id: string): Promise<boolean> {
  const marked = await core.store.update(connectionKey(id), {
    when: [exists('session'), absent('connected')],
    change: [set('connected', true)],
  });
  return marked.ok;
}

/** The first frame's choice, as far as this principal may have it; else what `$connect` made. */
async function chooseSessionAndLane(
  core: Core,
  id: string,
  made: Connection,
  wish: ConnectionChoice,
): Promise<Connection> {
  let settled = made;
  if (wish.sessionId !== undefined && wish.sessionId !== made.sessionId) {
    const { principal, name } = made;
    const sessionId = wish.sessionId;
    const opened = await openSession(core, { principal, sessionId, connection: id, ...(name && { name }) });
    settled = { ...made, sessionId, ...opened };
  }
  if (wish.lane !== undefined && wish.lane !== settled.lane) {
    // Another's lane, or one that has expired, is as good as none: the client learns its lane from `session_start`.
    const adopted = await core.store.update(laneKey(settled.session, wish.lane), adopt(settled.session, id));
    if (adopted.ok) settled = { ...settled, lane: wish.lane };
  }
  return settled;
}

/** Gives the `last_seq` that it told. Of a deleted session, that it is, and 0. */
export async function sendSessionStart(core: Core, id: string, connection: Connection): Promise<number> {
  const view = await viewSession(core, connection.session);
  if (view.session?.deleted !== undefined) {
    await reply(core, id, sessionDeleted());
    return 0;
  }
  const running = runningTurn(view);
  const frame: SessionStart = {
    type: 'session_start',
    session_id: connection.sessionId,
    resumed: connection.resumed,
    message_count: Math.max(view.session?.entry ?? 0, view.lane?.entry ?? 0),
    ...(view.session?.name !== undefined && { name: view.session.name }),
    lane: connection.lane,
    last_seq: lastSeq(view),
    steer_scope: core.steerScope,
    ...(running && {
      active_turn: { turn_id: running.turn, started_at: running.at, first_seq: running.seq },
    }),
    limits: {
      content_bytes: MAX_CONTENT_BYTES,
      inbox_messages: core.limits.inboxMessages,
      inbox_bytes: core.limits.inboxBytes,
      session_turns: core.limits.sessionTurns,
      queue_timeout_seconds: core.limits.queueTimeoutSeconds,
      frame_bytes: MAX_FRAME_BYTES,
    },
  };
  await reply(core, id, frame);
  return frame.last_seq;
}
