import type { EpochMs, EpochSeconds } from '../../config/units.ts';
import type { Session } from './items.ts';
import { absent, atMost, exists, remove, set, type Update } from './update.ts';

/** The writes on a session that is made of another one's entries. */

/** What a fork has from its first write on. */
export type ForkFacts = Required<
  Pick<
    Session,
    'principal' | 'sessionId' | 'created' | 'seq' | 'entry' | 'forkedFrom' | 'copying' | 'expires'
  >
> &
  Pick<Session, 'name' | 'agent' | 'promptFrom' | 'promptShapes' | 'compactedTo'>;

const isHalf = [exists<Session>('copying'), absent<Session>('deleted')];

/**
 * Takes the id of a fork, of which nothing is copied yet. Refused if there is, or was, a session of that id. The writer
 * recognises its success by `forkedFrom`, so a repeat of the request goes on with the same fork (P10).
 */
export const beginFork = (facts: ForkFacts): Update<Session> => ({
  when: [
    // rule: fork-takes-a-new-id
    absent('principal'),
  ],
  change: [
    set('principal', facts.principal),
    set('sessionId', facts.sessionId),
    set('created', facts.created),
    set('seq', facts.seq),
    set('entry', facts.entry),
    set('forkedFrom', facts.forkedFrom),
    set('copying', facts.copying),
    set('expires', facts.expires),
    ...(facts.name === undefined ? [] : [set<Session>('name', facts.name)]),
    ...(facts.agent === undefined ? [] : [set<Session>('agent', facts.agent)]),
    ...(facts.promptFrom === undefined ? [] : [set<Session>('promptFrom', facts.promptFrom)]),
    ...(facts.promptShapes === undefined ? [] : [set<Session>('promptShapes', facts.promptShapes)]),
    ...(facts.compactedTo === undefined ? [] : [set<Session>('compactedTo', facts.compactedTo)]),
  ],
});

/** Remembers that entries up to this one are copied. A late duplicate does not take that back. Idempotent. */
export const rememberCopied = (to: number): Update<Session> => ({
  when: [...isHalf, atMost(['copying', 'to'], to)],
  change: [set(['copying', 'to'], to)],
});

/**
 * Makes the fork a session like any other, once it has all its entries. Two functions that copy it write the same entries, and
 * one of them does this. The writer recognises its success because `copying` is gone.
 */
export const finishFork = (expires: EpochSeconds): Update<Session> => ({
  when: isHalf,
  change: [set('queue', {}), set('audience', {}), remove('copying'), set('expires', expires)],
});

/**
 * Gives up a fork whose origin was deleted before all was copied. Refused if it has become whole: then it stays. The item keeps
 * `copying`, by which a repeat sees that its parts are to be removed.
 */
export const giveUpFork = (at: EpochMs, expires: EpochSeconds): Update<Session> => ({
  when: isHalf,
  change: [set('deleted', at), set('queue', {}), remove('name'), set('expires', expires)],
});
