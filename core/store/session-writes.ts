import type { Listening, Principal, Session } from './items.ts';
import type { Update } from './update.ts';
import {
  absent,
  any,
  atMost,
  differs,
  equals,
  exists,
  remove,
  set,
  setIfAbsent,
  sizeBelow,
} from './update.ts';

/** Every write on a session. Those that may be repeated are idempotent: done twice is done once. */

/**
 * Nothing of a deleted session comes to life again, whatever is still under way: neither a listener nor a turn gets in, and
 * its id makes no new one as long as this item is there.
 */
const alive = absent<Session>('deleted');

/** Made by the first connection, kept alive by every later one. Refused: it was deleted. */
export const ensureSession = (
  principal: Principal,
  sessionId: string,
  name: string | undefined,
  now: number,
  expires: number,
): Update<Session> => ({
  when: [alive],
  change: [
    setIfAbsent('principal', principal),
    setIfAbsent('sessionId', sessionId),
    setIfAbsent('queue', {}),
    setIfAbsent('audience', {}),
    setIfAbsent('seq', 0),
    setIfAbsent('entry', 0),
    setIfAbsent('created', now),
    // A client that gives a name each time it connects does not undo what the session was renamed to.
    ...(name ? [setIfAbsent<Session>('name', name)] : []),
    set('expires', expires),
  ],
});

/** All calls of these tools are approved from now on. Done twice is done once. */
export const trust = (tools: readonly string[]): Update<Session> => ({
  when: [alive, exists('queue')],
  change: [set('trusted', tools)],
});

/** A place in the queue, if there is room or it has one already. Recognised: it is in the queue. */
export const admit = (slot: string, lane: string, at: number, limit: number): Update<Session> => ({
  when: [exists('queue'), alive, any(exists(['queue', slot]), sizeBelow('queue', limit))],
  change: [setIfAbsent(['queue', slot], { lane, at })],
});

/** Frees a place that its lane no longer needs; never the running one's. */
export const release = (slot: string): Update<Session> => ({
  when: [exists(['queue', slot]), any(absent('active'), differs(['active', 'slot'], slot))],
  change: [remove(['queue', slot])],
});

/** One turn at a time (P5): another slot must have been rolled first. Recognised: it is the active one. */
export const activate = (slot: string, lane: string, at: number): Update<Session> => ({
  when: [exists('queue'), alive, any(absent('active'), equals(['active', 'slot'], slot))],
  change: [set('active', { slot, lane }), set('lastActive', at), setIfAbsent(['queue', slot], { lane, at })],
});

/**
 * The slot is not the active one after all: it keeps its place, and waits behind its own lane's turn. Recognised: it is not
 * active any more.
 */
export const deactivate = (slot: string): Update<Session> => ({
  when: [equals(['active', 'slot'], slot)],
  change: [remove('active')],
});

/**
 * A slot is over: what its lane counted goes on in the session, so that the next turn counts on from there. Demands
 * that it is still the active one and that nothing has moved since it was read. Recognised: it is not active any more.
 */
export const retire = (
  slot: string,
  read: Session,
  seq: number,
  entry: number,
  expires: number,
  listed = read.listed,
): Update<Session> => ({
  when: [equals(['active', 'slot'], slot), equals('seq', read.seq)],
  change: [
    set('seq', Math.max(read.seq, seq)),
    set('entry', Math.max(read.entry, entry)),
    set('expires', expires),
    ...(listed === undefined ? [] : [set<Session>('listed', listed)]),
    remove('active'),
    remove(['queue', slot]),
  ],
});

/** Recognised: it bears the name; done twice is done once. */
export const rename = (name: string): Update<Session> => ({
  when: [exists('queue'), alive],
  change: [set('name', name)],
});

export const joinAudience = (connection: string, how: Listening): Update<Session> => ({
  when: [exists('audience'), alive],
  change: [set(['audience', connection], how)],
});

export const leaveAudience = (connection: string): Update<Session> => ({
  when: [exists('audience')],
  change: [remove(['audience', connection])],
});

/**
 * From now on the session is gone. Demands that it was made before its deletion was asked for: a message that is delivered
 * ages later must not hit another one of the same id. Recognised: it is deleted.
 */
export const markDeleted = (at: number, expires: number): Update<Session> => ({
  when: [exists('queue'), alive, atMost('created', at)],
  change: [set('deleted', at), set('queue', {}), remove('active'), remove('name'), set('expires', expires)],
});
