import type { ConnectionId, SessionKey, SlotId } from '../../ids.ts';
import type { Lane } from '../items.ts';
import type { Listening } from '../listening.ts';
import type { Update } from '../update.ts';
import { absent, any, atMost, equals, exists, remove, set } from '../update.ts';

/** Continues an existing lane under a new connection of the same session (P12). That of the application stays its own. */
export const adopt = (session: SessionKey, connection: ConnectionId): Update<Lane> => ({
  when: [equals('session', session), exists('connection')],
  change: [set('connection', connection)],
});

/** Adds a connection to those that the turn's events are posted to. Refused if a later state is stored. Idempotent. */
export const listen = (connection: ConnectionId, how: Listening): Update<Lane> => ({
  when: [exists('session'), any(absent(['audience', connection]), atMost(['audience', connection], how))],
  change: [set(['audience', connection], how)],
});

/**
 * The same, from the event `seq` on. Refused if the lane has later events. Otherwise the next commit's worker sees the
 * listener in the answer of that commit, and posts to it.
 *
 * Refused too if the lane has moved on from `slot`: the worker that ended it sees no further answer, and one that claims the
 * lane for another slot would post to a listener of whom the session does not know.
 */
export const listenFrom = (
  connection: ConnectionId,
  how: Listening,
  seq: number,
  slot: SlotId,
): Update<Lane> => {
  const { when, change } = listen(connection, how);
  return {
    when: [
      ...when,
      /* rule: live-at-the-last-event */ atMost('seq', seq),
      // rule: live-while-slot-runs
      equals('slot', slot),
    ],
    change,
  };
};

/** Removes a connection from those that the turn's events are posted to. */
export const stopListening = (connection: ConnectionId): Update<Lane> => ({
  when: [exists('session')],
  change: [remove(['audience', connection])],
});
