import type { ConnectionId, SessionKey } from '../../ids.ts';
import type { Lane, Listening } from '../items.ts';
import type { Update } from '../update.ts';
import { equals, exists, remove, set } from '../update.ts';

/** Continues an existing lane under a new connection of the same session (P12). */
export const adopt = (session: SessionKey, connection: ConnectionId): Update<Lane> => ({
  when: [equals('session', session)],
  change: [set('connection', connection)],
});

/** Adds a connection to those that the turn's events are posted to. */
export const listen = (connection: ConnectionId, how: Listening): Update<Lane> => ({
  when: [exists('session')],
  change: [set(['audience', connection], how)],
});

/** Removes a connection from those that the turn's events are posted to. */
export const stopListening = (connection: ConnectionId): Update<Lane> => ({
  when: [exists('session')],
  change: [remove(['audience', connection])],
});
