import { expect, it } from 'vitest';
import { epochMs, epochSeconds } from '../../config/units.ts';
import type { Core } from '../core.ts';
import { encodeEvents, type TurnEvent } from '../events/events.ts';
import { objectKey } from '../files/object-key.ts';
import {
  asConnectionId,
  asFileId,
  asLaneId,
  asMessageId,
  asSessionId,
  asTurnId,
  type SessionKey,
  slotOf,
} from '../ids.ts';
import { continueFork } from '../inbound/fork.ts';
import type { Lane, PendingMessage, Session } from '../store/items.ts';
import { cachedAnswerKey, cacheNoteKey, entryKey, fileKey, sessionKey, sessionOf } from '../store/keys.ts';
import { listening } from '../store/listening.ts';
import { callsLeftUnderWay, copyOf } from '../testing/late-calls.ts';
import { recordingPorts } from '../testing/memory-core.ts';
import { memoryFiles } from '../testing/memory-files.ts';
import { memoryStore } from '../testing/memory-store.ts';
import { leased, RUNNING, sessionInMemory } from '../testing/session-in-memory.ts';
import { deadlinePassed } from './deadline.ts';
import { carryOutDeletion, deleteSession } from './deletion.ts';
import { retireSlot } from './retire.ts';
import { closeSurplus } from './surplus.ts';

const NOW = epochMs(1_800_000_010_000);
const EXPIRES = epochSeconds(4_000_000_000);
const MINE = asLaneId('mine');
const FILE = asFileId('file');
const LIVE = listening({ join: 1, seq: 0, isLive: true });
const audience = { [asConnectionId('c-mine')]: LIVE, [asConnectionId('c-other')]: LIVE };
const said = (turn: string): PendingMessage => ({ content: 'hello', turn: asTurnId(turn), at: NOW });
const waits: Partial<Lane> = {
  turn: asTurnId('t'),
  slot: slotOf(asTurnId('t')),
  since: epochMs(1),
  inbox: { [asMessageId('m')]: said('t') },
};
const events: TurnEvent[] = [
  { type: 'turn_start', seq: 1, turn: RUNNING, message_ids: [], entry: 1, at: epochMs(1) },
  { type: 'chunk', seq: 2, turn: RUNNING, content: 'yes', offset: 0 },
];
const ended: TurnEvent = { type: 'aborted', seq: 3, turn: RUNNING, by: 'ann', first: 1 };
const active = { slot: slotOf(RUNNING), lane: MINE };

/** A session with a file and a note of a cached answer. */
function given(lane: Partial<Lane>, session: Partial<Session> = {}) {
  const { queues } = recordingPorts();
  const files = memoryFiles();
  const all = sessionInMemory({
    lanes: { mine: lane, other: { undelivered: { [asMessageId('gone')]: { code: 'cancelled' } } } },
    session: { audience, ...session },
    core: { queues, files, bus: { async put() {} } },
  });
  const { table, session: key } = all;
  table.put(fileKey(key, FILE), {
    type: 'image/png',
    size: 1,
    until: epochMs(4e12),
    checked: true,
    expires: EXPIRES,
  });
  files.objects.set(objectKey(key, FILE), { bytes: new Uint8Array(1), type: 'image/png' });
  table.put(cacheNoteKey(key, cachedAnswerKey('digest')), { expires: EXPIRES });
  return { ...all, fresh: () => ({ ...all.core, store: memoryStore(copyOf(table)) }) };
}

const job = (session: SessionKey, slot: string) => ({ session, lane: MINE, slot: slotOf(asTurnId(slot)) });

it.each<[string, Partial<Lane>, Partial<Session>, (core: Core, session: SessionKey) => Promise<unknown>]>([
  ['a deadline that is over', waits, {}, (core, session) => deadlinePassed(core, job(session, 't'))],
  [
    'a deadline that is not over',
    { ...waits, since: NOW },
    {},
    (core, session) => deadlinePassed(core, job(session, 't')),
  ],
  [
    'a deadline of a slot that was left in the queue',
    {},
    { queue: { [slotOf(asTurnId('t'))]: { lane: MINE, at: NOW } } },
    (core, session) => deadlinePassed(core, job(session, 't')),
  ],
  [
    'a slot that is over',
    {
      begun: { turn: RUNNING, seq: 1, entry: 1, at: epochMs(1) },
      unspilled: encodeEvents([...events, ended]),
      seq: 3,
      entry: 2,
      audience,
    },
    { active },
    (core, session) => retireSlot(core, session, MINE, active.slot),
  ],
  ['a slot that never ran', {}, {}, (core, session) => retireSlot(core, session, MINE, active.slot)],
  [
    'a deletion',
    { ...leased, unspilled: encodeEvents(events), seq: 2, inbox: waits.inbox ?? {}, audience },
    {},
    (core, session) => deleteSession(core, session, asConnectionId('c-mine')),
  ],
  [
    'a deletion that is carried out',
    { ...leased, unspilled: encodeEvents(events), seq: 2, inbox: waits.inbox ?? {}, audience },
    {},
    (core, session) => carryOutDeletion(core, { session, at: NOW, until: epochMs(NOW + 60_000) }),
  ],
  [
    'a deletion that is carried out at last',
    {},
    { deleted: NOW, told: true },
    (core, session) => carryOutDeletion(core, { session, at: epochMs(1), until: epochMs(1) }),
  ],
  [
    'connections beyond the limit',
    { ...leased, audience },
    {},
    (core, session) =>
      closeSurplus({ ...core, limits: { ...core.limits, sessionConnections: 1 } }, session, {
        lastSeq: 0,
        active,
        audience,
      }),
  ],
])(
  'a function that has answered is frozen, and nothing goes on behind it: %s',
  async (_, lane, session, act) => {
    const { fresh, session: key } = given(lane, session);
    expect(await callsLeftUnderWay(fresh, (core) => act(core, key))).toEqual([]);
  },
);

it.each(['is copied', 'is given up, since its origin was deleted'])(
  'nothing goes on behind a fork that %s',
  async (how) => {
    const { fresh, table, session } = given({}, { entry: 30, ...(how !== 'is copied' && { deleted: NOW }) });
    const file = { type: 'file', file: FILE, media_type: 'image/png', size: 1 } as const;
    for (let n = 1; n <= 30; n++)
      table.put(entryKey(session, n), {
        n,
        turn: RUNNING,
        role: 'user',
        id: asMessageId(`m${n}`),
        content: [file],
        at: NOW,
        step: 1,
        first: 1,
        expires: EXPIRES,
      });
    const id = asSessionId('fork');
    const principal = { tenant: 'acme', subject: 'ann' };
    const target = sessionOf(principal, id);
    table.put(sessionKey(target), {
      principal,
      sessionId: id,
      created: NOW,
      seq: 0,
      entry: 29,
      forkedFrom: { sessionId: asSessionId('s'), before: 30 },
      copying: { created: epochMs(NOW - 10_000), to: 0, countedFor: principal },
      expires: EXPIRES,
    } as unknown as Session);
    const connection = asConnectionId('c-mine');
    expect(
      await callsLeftUnderWay(fresh, (core) => continueFork(core, { session: target, connection })),
    ).toEqual([]);
  },
);
