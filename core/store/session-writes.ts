import type { EpochMs, EpochSeconds } from '../../config/units.ts';
import type { ConnectionId, LaneId, SessionId, SlotId } from '../ids.ts';
import type { PromptShape } from '../model.ts';
import type { Principal, Session } from './items.ts';
import type { Listening } from './listening.ts';
import type { Condition, Update } from './update.ts';
import {
  absent,
  any,
  atMost,
  count,
  differs,
  equals,
  exists,
  remove,
  set,
  setIfAbsent,
  sizeBelow,
  sizeIs,
} from './update.ts';

/** Every write on a session. A write that may be repeated is idempotent. */

/**
 * A deleted session stays deleted, whatever late request arrives: it admits no listener and no turn, and its id makes no
 * new session while this item exists.
 */
const alive = absent<Session>('deleted');

/** Makes the session with its first connection, and moves its expiry with every later one. Refused if it was deleted, or is half a fork. */
export const ensureSession = (
  principal: Principal,
  sessionId: SessionId,
  name: string | undefined,
  now: EpochMs,
  expires: EpochSeconds,
): Update<Session> => ({
  when: [
    // rule: deleted-session-opens-no-connection
    alive,
    // rule: half-fork-opens-no-connection
    absent('copying'),
  ],
  change: [
    setIfAbsent('principal', principal),
    setIfAbsent('sessionId', sessionId),
    setIfAbsent('queue', {}),
    setIfAbsent('audience', {}),
    setIfAbsent('seq', 0),
    setIfAbsent('entry', 0),
    setIfAbsent('created', now),
    // A client may send the name with every connection, so it does not replace a later rename.
    ...(name ? [setIfAbsent<Session>('name', name)] : []),
    set('expires', expires),
  ],
});

/** The trusts are as they were read: between two revocations they only change by one more or by one that gives way. */
const trustsAsRead = ({ trusted, revocations }: Session): Condition<Session>[] => [
  revocations === undefined ? absent('revocations') : equals('revocations', revocations),
  trusted === undefined ? absent('trusted') : sizeIs('trusted', trusted.length),
];

/** Approves all calls that these trusts cover. The writer recognises its success by `trusted`. */
export const trust = (read: Session, trusted: readonly string[]): Update<Session> => ({
  when: [alive, exists('queue'), ...trustsAsRead(read)],
  change: [set('trusted', trusted)],
});

/**
 * Leaves these trusts. It also voids each `always` that is decided and not stored yet, by the count. The writer recognises
 * its success by `revocations` and `trusted`.
 */
export const revoke = (read: Session, trusted: readonly string[]): Update<Session> => ({
  when: [alive, exists('queue'), ...trustsAsRead(read)],
  change: [set('trusted', trusted), count('revocations', 1)],
});

/**
 * Gives the session one of several agents, if it has none. What was trusted before is so no more: tools of another agent can have
 * the same names. The writer recognises its success by `agent`.
 */
export const chooseAgent = (read: Session, name: string): Update<Session> => ({
  when: [
    alive,
    exists('queue'),
    // rule: agent-is-chosen-once
    absent('agent'),
    ...trustsAsRead(read),
  ],
  change: [
    set('agent', name),
    ...(read.entry > 0 ? [set<Session>('trusted', []), count<Session>('revocations', 1)] : []),
  ],
});

/** Remembers in what shape prompts are taken. Only the active slot's worker writes it. Idempotent. */
export const rememberShapes = (shapes: readonly PromptShape[]): Update<Session> => ({
  when: [alive, exists('queue')],
  change: [set('promptShapes', shapes)],
});

/** Remembers from which entry on prompts begin. A late duplicate does not bring an earlier cut back. Idempotent. */
export const rememberCut = (from: number): Update<Session> => ({
  when: [alive, exists('queue'), any(absent('promptFrom'), atMost('promptFrom', from))],
  change: [set('promptFrom', from)],
});

/** Remembers that clients were told of a summary. A late duplicate does not bring an earlier one back. Idempotent. */
export const rememberCompacted = (to: number): Update<Session> => ({
  when: [alive, exists('queue'), any(absent('compactedTo'), atMost('compactedTo', to))],
  change: [set('compactedTo', to)],
});

/**
 * Counts an attempt to summarise what a cut left out. It demands the last attempt as it was read, so that of two workers
 * one makes this attempt. The writer recognises its success by `by`.
 */
export const attemptCompaction = (
  { compaction }: Session,
  attempt: NonNullable<Session['compaction']>,
): Update<Session> => ({
  when: [
    alive,
    exists('queue'),
    // rule: attempt-demands-the-last-one
    compaction === undefined ? absent('compaction') : equals(['compaction', 'by'], compaction.by),
  ],
  change: [set('compaction', attempt)],
});

/** Admits a slot to the queue, if there is room or it is there already. The writer recognises its success by the queue. */
export const admit = (slot: SlotId, lane: LaneId, at: EpochMs, limit: number): Update<Session> => ({
  when: [
    exists('queue'),
    // rule: deleted-session-admits-no-slot
    alive,
    any(exists(['queue', slot]), sizeBelow('queue', limit)),
  ],
  change: [setIfAbsent(['queue', slot], { lane, at })],
});

/** Removes a slot that its lane no longer needs from the queue, never the active one. */
export const release = (slot: SlotId): Update<Session> => ({
  when: [exists(['queue', slot]), any(absent('active'), differs(['active', 'slot'], slot))],
  change: [remove(['queue', slot])],
});

/** Makes a slot the active one. One turn at a time (P5): another active slot must have been retired first. */
export const activate = (slot: SlotId, lane: LaneId, at: EpochMs): Update<Session> => ({
  when: [
    exists('queue'),
    // rule: deleted-session-runs-no-turn
    alive,
    // rule: one-active-slot
    any(absent('active'), equals(['active', 'slot'], slot)),
  ],
  change: [set('active', { slot, lane }), set('lastActive', at), setIfAbsent(['queue', slot], { lane, at })],
});

/** Takes back `activate`: the slot keeps its place in the queue and waits behind its own lane's turn. */
export const deactivate = (slot: SlotId): Update<Session> => ({
  when: [equals(['active', 'slot'], slot)],
  change: [remove('active')],
});

/**
 * Retires a slot that is over: the session takes over the counters of its lane, so that the next turn counts on from there.
 * It demands that the slot is still the active one and that the session has not moved since it was read. The writer
 * recognises its success because the slot is not active any more.
 */
export const retire = (
  slot: SlotId,
  read: Session,
  seq: number,
  entry: number,
  expires: EpochSeconds,
  listed = read.listed,
): Update<Session> => ({
  when: [
    // rule: retire-needs-active-slot
    equals(['active', 'slot'], slot),
    equals('seq', read.seq),
  ],
  change: [
    set('seq', Math.max(read.seq, seq)),
    set('entry', Math.max(read.entry, entry)),
    set('expires', expires),
    ...(listed === undefined ? [] : [set<Session>('listed', listed)]),
    remove('active'),
    remove(['queue', slot]),
  ],
});

/** Renames the session. Idempotent. */
export const rename = (name: string): Update<Session> => ({
  when: [exists('queue'), alive],
  change: [set('name', name), remove('provisional')],
});

/** Nobody has named the session. */
const unnamed = any<Session>(absent('name'), exists('provisional'));

/** Names the session until it gets a title, or somebody names it. Idempotent. */
export const nameForNow = (name: string): Update<Session> => ({
  when: [exists('queue'), alive, unnamed],
  change: [set('name', name), set('provisional', true)],
});

/** Gives the session the title that a model wrote. A name that somebody gave stays. */
export const giveTitle = (title: string): Update<Session> => ({
  when: [
    exists('queue'),
    // rule: deleted-session-gets-no-title
    alive,
    // rule: title-replaces-no-name
    unnamed,
  ],
  change: [set('name', title), remove('provisional')],
});

/**
 * Counts an attempt to write a title. It demands the last attempt as it was read, so that of two workers one makes this attempt. The
 * writer recognises its success by `by`.
 */
export const attemptTitle = (
  { titling }: Session,
  attempt: NonNullable<Session['titling']>,
): Update<Session> => ({
  when: [
    exists('queue'),
    alive,
    unnamed,
    titling === undefined ? absent('titling') : equals(['titling', 'by'], titling.by),
  ],
  change: [set('titling', attempt)],
});

/** Adds a connection to the audience. Refused if a later state is stored. Idempotent. */
export const joinAudience = (connection: ConnectionId, how: Listening): Update<Session> => ({
  when: [
    exists('audience'),
    // rule: deleted-session-has-no-listener
    alive,
    any(absent(['audience', connection]), atMost(['audience', connection], how)),
  ],
  change: [set(['audience', connection], how)],
});

/** Makes a listener live. It demands that it is in the audience, in an earlier state. */
export const makeLive = (connection: ConnectionId, live: Listening): Update<Session> => ({
  when: [alive, atMost(['audience', connection], live - 1)],
  change: [set(['audience', connection], live)],
});

/** The same for a listener that went live on the active lane. It demands that the lane's slot was not retired before. */
export const makeLiveBeside = (
  connection: ConnectionId,
  live: Listening,
  seq: number,
  lane: LaneId,
): Update<Session> => {
  const { when, change } = makeLive(connection, live);
  return { when: [...when, equals(['active', 'lane'], lane), atMost('seq', seq)], change };
};

/**
 * The same while nothing can be committed: no slot is active, or `ended` is, whose lane has moved on and which only waits to be
 * retired. It demands that nothing was committed after `seq`. The next worker sees the listener. Idempotent.
 */
export const makeLiveAtRest = (
  connection: ConnectionId,
  live: Listening,
  seq: number,
  ended: SlotId | undefined,
): Update<Session> => ({
  when: [
    alive,
    atMost(['audience', connection], live),
    ended === undefined ? absent('active') : equals(['active', 'slot'], ended),
    atMost('seq', seq),
  ],
  change: [set(['audience', connection], live)],
});

export const leaveAudience = (connection: ConnectionId): Update<Session> => ({
  when: [exists('audience')],
  change: [remove(['audience', connection])],
});

/** Remembers that the bus was told of the deletion. Idempotent. */
export const markTold = (): Update<Session> => ({
  when: [exists('deleted')],
  change: [set('told', true)],
});

/**
 * Marks the session as deleted. It demands that the session was made before its deletion was requested: a queue message
 * that is delivered days later must not delete a new session of the same id. The writer recognises its success by
 * `deleted`.
 */
export const markDeleted = (at: EpochMs, expires: EpochSeconds): Update<Session> => ({
  when: [alive, atMost('created', at)],
  change: [set('deleted', at), set('queue', {}), remove('active'), remove('name'), set('expires', expires)],
});
