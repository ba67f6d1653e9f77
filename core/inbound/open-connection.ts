import { offeredAgents } from '../../config/settings/sessions.ts';
import { type EpochMs, milliseconds } from '../../config/units.ts';
import { MAX_CONTENT_BYTES, MAX_FRAME_BYTES, MAX_OPTIONS_BYTES } from '../../protocol/limits.ts';
import type { SessionStart } from '../../protocol/server-frames.ts';
import type { Core } from '../core.ts';
import type { ConnectionId, LaneId, SessionId } from '../ids.ts';
import { closeConnection } from '../post.ts';
import { reply, sessionDeleted } from '../replies.ts';
import { originOf } from '../session/fork-facts.ts';
import { endedEntries, lastSeq, openSession, runningTurn, viewSession } from '../session/sessions.ts';
import { trustFields } from '../session/trusts.ts';
import type { Connection } from '../store/items.ts';
import { connectionKey, laneKey } from '../store/keys.ts';
import { adopt } from '../store/lane/connection.ts';
import type { Change, Update } from '../store/update.ts';
import { absent, any, count, equals, exists, remove, set, setIfAbsent } from '../store/update.ts';
import { replayedTwice } from './rate.ts';
import { catchUp, type ReplayEnd, replayUntil } from './replay.ts';
import { isExpired, tokenExpiresIn } from './token-expiry.ts';

/**
 * API Gateway allows no post during `$connect`, so `session_start` answers the first frame, whatever it is, before
 * anything else. A connection without one may be opened in its place (greet.ts). Frames of one connection are handled concurrently: one of them opens the connection, the others wait.
 */

/** Waiting frames poll whether the connection is open, less and less often. */
const FIRST_POLL_MS = milliseconds(10);
const LAST_POLL_MS = milliseconds(250);
/** An opener that takes longer is considered dead, and another frame opens the connection: twice is better than never. */
const OPENER_TIMEOUT_MS = milliseconds(2000);

/** The session and lane that the first frame may still choose. */
export interface ConnectionChoice {
  sessionId?: SessionId | undefined;
  lane?: LaneId | undefined;
  /** The frame is a `connect`, which opening the connection answers. */
  connecting?: boolean;
  /** The client has the events up to this `seq` and wants those that follow. */
  after?: number | undefined;
  /** What holds for messages of this connection. */
  defaults?: ConnectionDefaults;
}

/** What a `connect` says of the client. What it leaves out stays. */
type ConnectionDefaults = Pick<Connection, 'options' | 'locale' | 'timeZone' | 'agent'>;

const keepDefaults = ({
  defaults: { options, locale, timeZone, agent } = {},
}: ConnectionChoice): Change<Connection>[] => [
  ...(options === undefined ? [] : [set<Connection>('options', options)]),
  ...(locale === undefined ? [] : [set<Connection>('locale', locale)]),
  ...(timeZone === undefined ? [] : [set<Connection>('timeZone', timeZone)]),
  ...(agent === undefined ? [] : [set<Connection>('agent', agent)]),
];

export interface OpenedConnection {
  connection: Connection;
  /** Of the call that sent `session_start`: what became of its replay. */
  replay?: ReplayEnd;
}

/**
 * Opens the connection for a frame that arrived at `receivedAt`, or waits until another frame has. A connection whose token
 * has expired is not opened. Undefined: it is closed, or was never made.
 */
export async function openConnection(
  core: Core,
  id: ConnectionId,
  receivedAt: EpochMs,
  wish: ConnectionChoice = {},
  until: EpochMs = replayUntil(core),
): Promise<OpenedConnection | undefined> {
  const key = connectionKey(id);
  const me = core.newId();
  let read = await core.store.get(key);
  let waitsFor = read?.opener;
  let since = core.clock.now();
  for (
    let pause: number = FIRST_POLL_MS;
    read && !read.opened && !isExpired(read, receivedAt);
    pause = Math.min(2 * pause, LAST_POLL_MS)
  ) {
    if (read.opener !== waitsFor) {
      waitsFor = read.opener;
      since = core.clock.now();
    }
    if (read.opener === undefined || core.clock.now() - since > OPENER_TIMEOUT_MS) {
      const mine = await core.store.update(key, becomeOpener(me, read.opener, wish));
      const bound = mine.ok ? await bind(core, id, me, mine.item, wish) : undefined;
      if (bound) {
        const isBoundHere = !read.bound && !hasChoice(wish);
        return {
          connection: bound,
          replay: await sendOpening(core, id, { me, isBoundHere }, bound, wish, until),
        };
      }
    }
    await core.clock.sleep(milliseconds(pause));
    read = await core.store.get(key);
  }
  return read && { connection: read };
}

/** A frame without a choice binds the connection to the lane of `$connect` by the same write. */
const hasChoice = ({ sessionId, lane }: ConnectionChoice) => sessionId !== undefined || lane !== undefined;

/** The writer recognises its success by `opener`. A repeat counts one more replay, and changes nothing else. */
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
  change: [
    set('opener', me),
    ...beginReplay(wish),
    ...keepDefaults(wish),
    ...(hasChoice(wish) ? [] : [setIfAbsent<Connection>('bound', true)]),
  ],
});

/** Counts a replay, and keeps what a function that goes on with it must know. */
const beginReplay = ({ connecting = false }: ConnectionChoice): Change<Connection>[] => [
  count('joins', 1),
  set('connecting', connecting),
];

/** More events than a client misses that was connected all the time. */
const LONG_REPLAY = 20;

/**
 * Begins a replay for a `connect` on an open connection: for a client that found a hole, or that reads from an earlier event
 * on. The second long one closes the connection, so that no connection is sent the same day again and again. A new one
 * resumes from the last event that the client has, and handshakes have a limit of their own (P9).
 */
export async function catchUpAgain(
  core: Core,
  id: ConnectionId,
  wish: ConnectionChoice & { after: number },
  until: EpochMs,
): Promise<ReplayEnd> {
  const counted = await core.store.update(connectionKey(id), {
    when: [exists('session')],
    change: beginReplay(wish),
  });
  if (!counted.ok) return 'gone';
  const { session } = counted.item;
  const last = lastSeq(await viewSession(core, session));
  const after = Math.min(wish.after, last);
  if (last - after > LONG_REPLAY && !(await isFirstLongReplay(core, id))) {
    await reply(core, id, replayedTwice());
    await closeConnection(core, id, 'replayed twice');
    return 'gone';
  }
  return replayTo(core, id, counted.item, after, until);
}

/** A repeat of the write is refused: the connection is closed too early then, and its client resumes. */
async function isFirstLongReplay(core: Core, id: ConnectionId): Promise<boolean> {
  const marked = await core.store.update(connectionKey(id), {
    when: [exists('session'), absent('replayedAgain')],
    change: [set('replayedAgain', true)],
  });
  return marked.ok;
}

const replayTo = (
  core: Core,
  id: ConnectionId,
  { session, joins: join = 1 }: Connection,
  after: number,
  until: EpochMs,
): Promise<ReplayEnd> => catchUp(core, { id, session, join, after, until });

/**
 * Chooses the connection's session and lane, once and before anything is sent. An opener that was considered dead and
 * continues later sends the same as the one that replaced it. Undefined: another frame is the opener now, or nobody can be; read again.
 */
async function bind(
  core: Core,
  id: ConnectionId,
  me: string,
  made: Connection,
  wish: ConnectionChoice,
): Promise<Connection | undefined> {
  if (made.bound) return made;
  const chosen = await chooseSessionAndLane(core, id, made, wish);
  // Half a fork: the connection waits until it is a session.
  if (!chosen) return undefined;
  const { session, sessionId, lane, resumed } = chosen;
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
  id: ConnectionId,
  opener: Opener,
  connection: Connection,
  wish: ConnectionChoice,
  until: EpochMs,
): Promise<ReplayEnd> {
  const told = await sendSessionStart(core, id, connection);
  if (told === undefined) {
    await giveBackOpening(core, id, opener);
    return 'gone';
  }
  // Also for a client that asks for nothing: events that were committed after `session_start` was made are in neither.
  const after = /* rule: replay-from-session-start */ Math.min(wish.after ?? told, told);
  const [end] = await Promise.all([
    replayTo(core, id, connection, after, until),
    // Other frames of the connection do not wait for the replay.
    core.store.update(connectionKey(id), {
      when: [exists('session')],
      change: [set('opened', true), ...(wish.connecting ? [set<Connection>('connected', true)] : [])],
    }),
  ]);
  return end;
}

/**
 * Nobody received `session_start`. Either nobody ever will, or `$connect` has not returned yet: then the first frame opens the
 * connection, and chooses its session and lane.
 */
const giveBackOpening = (core: Core, id: ConnectionId, { me, isBoundHere }: Opener) =>
  core.store.update(connectionKey(id), {
    when: [equals('opener', me), absent('opened')],
    change: [remove('opener'), ...(isBoundHere ? [remove<Connection>('bound')] : [])],
  });

interface Opener {
  me: string;
  /** It has bound the connection to what `$connect` made, without a choice. */
  isBoundHere: boolean;
}

/**
 * Whether this `connect` is the connection's first. Another frame may have opened the connection: then its `session_start`
 * answers the first `connect` too. A later `connect` gets a new one.
 */
export async function isFirstConnect(core: Core, id: ConnectionId, wish: ConnectionChoice): Promise<boolean> {
  const marked = await core.store.update(connectionKey(id), {
    when: [exists('session'), absent('connected')],
    change: [set('connected', true), ...keepDefaults(wish)],
  });
  const later = keepDefaults(wish);
  if (!marked.ok && later.length > 0)
    await core.store.update(connectionKey(id), { when: [exists('session')], change: later });
  return marked.ok;
}

/** The first frame's choice, as far as it belongs to the principal. Otherwise what `$connect` made. */
async function chooseSessionAndLane(
  core: Core,
  id: ConnectionId,
  made: Connection,
  wish: ConnectionChoice,
): Promise<Connection | undefined> {
  let settled = made;
  if (wish.sessionId !== undefined && wish.sessionId !== made.sessionId) {
    const { principal, name } = made;
    const sessionId = wish.sessionId;
    const opened = await openSession(core, { principal, sessionId, connection: id, ...(name && { name }) });
    if (!opened) return undefined;
    settled = { ...made, sessionId, ...opened };
  }
  if (wish.lane !== undefined && wish.lane !== settled.lane) {
    // The lane of another session, or one that has expired, is ignored. The client learns its lane from `session_start`.
    const adopted = await core.store.update(laneKey(settled.session, wish.lane), adopt(settled.session, id));
    // rule: returning-client-keeps-lane
    if (adopted.ok) settled = { ...settled, lane: wish.lane };
  }
  return settled;
}

/** Sends `session_start` and returns its `last_seq`. For a deleted session it sends that error, and returns 0. Undefined: nobody is there. */
export async function sendSessionStart(
  core: Core,
  id: ConnectionId,
  connection: Connection,
): Promise<number | undefined> {
  const view = await viewSession(core, connection.session);
  if (view.session?.deleted !== undefined) {
    return (await reply(core, id, sessionDeleted())) === 'sent' ? 0 : undefined;
  }
  const running = runningTurn(view);
  const expiresIn = tokenExpiresIn(connection, core.clock.now());
  const agents = offeredAgents(core.sessionSettings);
  const frame: SessionStart = {
    type: 'session_start',
    session_id: connection.sessionId,
    resumed: connection.resumed,
    message_count: endedEntries(view),
    ...(view.session?.name !== undefined && { name: view.session.name }),
    ...originOf(view.session),
    lane: connection.lane,
    last_seq: lastSeq(view),
    ...(expiresIn !== undefined && { token_expires_in_ms: expiresIn }),
    ...(view.session?.agent !== undefined && { agent: view.session.agent }),
    ...(agents.length > 0 && { agents: [...agents] }),
    steer_scope: core.sessionSettings.steerScope,
    ...trustFields(view.session),
    ...(running && {
      active_turn: { turn_id: running.turn, started_at: running.at, first_seq: running.seq },
    }),
    limits: {
      content_bytes: MAX_CONTENT_BYTES,
      options_bytes: MAX_OPTIONS_BYTES,
      inbox_messages: core.limits.inboxMessages,
      inbox_bytes: core.limits.inboxBytes,
      session_turns: core.limits.sessionTurns,
      queue_timeout_seconds: core.limits.queueTimeoutSeconds,
      frame_bytes: MAX_FRAME_BYTES,
      ...(core.files && { file_bytes: core.limits.fileBytes }),
    },
  };
  const posted = await /* rule: session-start-first */ reply(core, id, frame);
  return posted === 'sent' ? frame.last_seq : undefined;
}
