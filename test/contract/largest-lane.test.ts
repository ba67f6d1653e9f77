import { expect, it } from 'vitest';
import { LIMIT_SETTINGS } from '../../config/settings/limits.ts';
import { epochMs, epochSeconds } from '../../config/units.ts';
import { asConnectionId, asLaneId, asSessionId, asTurnId, slotOf } from '../../core/ids.ts';
import { itemBytes } from '../../core/store/item-size.ts';
import type { Lane } from '../../core/store/items.ts';
import { laneKey, sessionOf } from '../../core/store/keys.ts';
import { emptyLane, INLINE_BYTES, MAX_IDS, MAX_PATHS, MAX_UNDELIVERED } from '../../core/store/lane/lane.ts';
import { toStored } from '../../core/store/stored-names.ts';
import { MAX_OPEN } from '../../core/turn/asked.ts';
import { MAX_COMMIT_BYTES } from '../../core/turn/leased-turn.ts';

/** Source: DynamoDB developer guide, "Constraints". */
const MAX_ITEM_BYTES = 400 * 1024;

const MESSAGES = LIMIT_SETTINGS.inboxLimit.range[1];
/** The longest that `ID_PATTERN` and `newId` allow. */
const longId = (kind: string, n = 0) => `${kind}${String(n).padStart(64 - kind.length, '0')}`;
const byLongId = <V>(kind: string, count: number, value: V) =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [longId(kind, n), value]));

const NOW = epochMs(1_800_000_000_000);
const SESSION = sessionOf(
  { tenant: 't'.repeat(64), subject: 's'.repeat(256) },
  asSessionId(longId('session')),
);
const LANE = asLaneId(longId('lane'));
const TURN = asTurnId(longId('turn'));
const message = { size: 24_576, turn: TURN, at: NOW, order: 1_000_000, now: true, from: LANE };
/** Ids that a turn can have: what it may accept, and all that was pending or forwarded by then. */
const IDS = MAX_IDS + 3 * MESSAGES;

const largest: Lane = {
  ...emptyLane(SESSION, asConnectionId(longId('connection')), epochSeconds(1_800_000_000)),
  turn: TURN,
  slot: slotOf(TURN),
  since: NOW,
  lease: longId('lease'),
  commitId: longId('commit'),
  claims: 20,
  begun: { turn: TURN, seq: 1_000_000, entry: 1_000_000, at: NOW },
  inbox: byLongId('inbox', MESSAGES, message),
  waiting: byLongId('waiting', MESSAGES, message),
  bytes: 1_000_000,
  ids: byLongId('id', IDS, 1),
  previousIds: byLongId('previous', IDS, 1),
  undelivered: {
    ...byLongId('undelivered', MAX_UNDELIVERED + 3 * MESSAGES - MAX_PATHS, {
      code: 'SESSION_QUEUE_TIMEOUT',
      from: LANE,
    }),
    ...byLongId('options', MAX_PATHS, { code: 'OPTIONS_INVALID', path: 'p'.repeat(64), from: LANE }),
  },
  forwarded: byLongId('forwarded', MESSAGES, `${LANE} ${TURN}`),
  asked: byLongId('request', MAX_OPEN, 1),
  outputs: byLongId('request', MAX_OPEN, { digest: 'd'.repeat(64), isError: true }),
  audience: byLongId('c', 100, 1),
  unspilled: ['x'.repeat(2 * MAX_COMMIT_BYTES), 'x'.repeat(INLINE_BYTES)],
};

it('P1: a lane with all that can be on it at once fits into an item', () => {
  const bytes = itemBytes({ ...laneKey(SESSION, LANE), ...toStored(largest) });
  expect(bytes).toBeLessThanOrEqual(MAX_ITEM_BYTES);
});
