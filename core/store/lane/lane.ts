import type { EpochSeconds } from '../../../config/units.ts';
import { bytesOf } from '../../content.ts';
import { type ConnectionId, type MessageId, type SessionKey, type SlotId, slotOf } from '../../ids.ts';
import type { Lane, PendingMessage } from '../items.ts';

/** A new lane, before its first message. @param connection undefined: it is the application's */
export const emptyLane = (
  session: SessionKey,
  connection: ConnectionId | undefined,
  expires: EpochSeconds,
): Lane => ({
  session,
  ...(connection !== undefined && { connection }),
  attempts: 0,
  inbox: {},
  waiting: {},
  bytes: 0,
  ids: {},
  previousIds: {},
  seq: 0,
  entry: 0,
  unspilled: [],
  audience: {},
  undelivered: {},
  forwarded: {},
  expires,
});

/** What a pending message counts against `MIDTURN_INBOX_BYTES`. */
export const contentBytes = (message: PendingMessage): number =>
  message.size ?? bytesOf(message.content) + bytesOf(message.context ?? '');

/**
 * A lane holds no more content than this, in bytes: what waits is written again with every commit of the turn. Further
 * content has items of its own.
 */
export const INLINE_BYTES = 1024;

/**
 * A lane accepts nothing while it remembers so many ids of its turn, or so many outcomes that their senders have not
 * received: it has to fit into an item of 400 KB with all that can wait on it (test/contract/largest-lane.test.ts).
 */
export const MAX_IDS = 512;
export const MAX_UNDELIVERED = 128;
/** Of these, so many name a field of the message's options. */
export const MAX_PATHS = 128;

/** Whether the slot is the lane's current one, or that of a waiting message. */
export const hasWorkFor = (lane: Lane | undefined, slot: SlotId): boolean =>
  lane !== undefined &&
  (lane.slot === slot || Object.values(lane.waiting).some((message) => slotOf(message.turn) === slot));

/** The lane's slot, if no worker has claimed it: its turn is still the one that opened it, and there is no lease. */
export const unclaimedSlot = ({ slot, turn, lease }: Lane): SlotId | undefined =>
  turn !== undefined && slot === slotOf(turn) && lease === undefined ? slot : undefined;

/** Whether the lane has seen this id in its current turn, the previous one, or among its pending messages (P10). */
export const knows = (lane: Lane, id: MessageId): boolean =>
  [lane.inbox, lane.waiting, lane.ids, lane.previousIds, lane.undelivered].some((map) =>
    Object.hasOwn(map, id),
  );

/** No turn, no lease, nothing pending: what `close` makes of a lane. */
export const isClosed = (lane: Lane): boolean =>
  lane.turn === undefined &&
  lane.lease === undefined &&
  Object.keys(lane.inbox).length + Object.keys(lane.waiting).length === 0;
