import { setImmediate as nextTick } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { epochMs } from '../../config/units.ts';
import type { AbortFrame } from '../../protocol/client-frames.ts';
import { asLaneId, asMessageId, asTurnId, slotOf } from '../ids.ts';
import type { TurnJob } from '../ports.ts';
import type { Lane, MessageOutcome, PendingMessage } from '../store/items.ts';
import { laneKey, messageKey } from '../store/keys.ts';
import { emptyLane } from '../store/lane/lane.ts';
import { recordingPorts } from '../testing/memory-core.ts';
import { leased, RUNNING, sessionInMemory } from '../testing/session-in-memory.ts';
import { abortTurn } from './abort.ts';
import { acknowledge } from './acknowledge.ts';
import { cancelMessage } from './cancel.ts';

const AT = epochMs(1_800_000_000_000);
const [A, B, C] = ['a', 'b', 'c'].map(asMessageId) as [ReturnType<typeof asMessageId>, never, never];
const said = (turn: string): PendingMessage => ({ content: 'hello', turn: asTurnId(turn), at: AT });
/** A turn that no worker has, and its messages. */
const waits = (turn: string, ...ids: string[]): Partial<Lane> => ({
  turn: asTurnId(turn),
  slot: slotOf(asTurnId(turn)),
  since: AT,
  inbox: Object.fromEntries(ids.map((id) => [id, said(turn)])),
  bytes: 5 * ids.length,
});
const queueOf = (lanes: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(lanes).map(([slot, lane]) => [slot, { lane: asLaneId(lane), at: AT }]));

describe('P1: a message that is withdrawn', () => {
  it.each(['own', 'other'])(
    'from a connection (%s) is told to its sender and to who asked, once each',
    async (by) => {
      const { core, from, posted, lane } = sessionInMemory({
        lanes: { own: { ...leased, inbox: { [A]: said('x'), [B]: said('y') }, bytes: 10 }, other: {} },
        session: { queue: queueOf({ [RUNNING]: 'own' }) },
      });
      await cancelMessage(core, from(by), A);
      const told = posted.filter(([, { type }]) => type === 'cancelled');
      expect(told.map(([to]) => to).toSorted()).toEqual([...new Set(['c-own', `c-${by}`])].toSorted());
      expect(told.every(([, { ids }]) => JSON.stringify(ids) === '["a"]')).toBe(true);
      expect(lane('own')).toMatchObject({ inbox: { [B]: {} }, bytes: 5, undelivered: {}, ids: { [A]: 1 } });
      expect(lane('own')?.inbox).not.toHaveProperty(A);
    },
  );

  it('and whose outcome was not received is told to whoever asks again, and stays withdrawn when its lane has forgotten it', async () => {
    for (const place of ['lane', 'outcome'] as const) {
      const { core, from, told, session, table } = sessionInMemory({
        lanes: {
          own: { ...leased, ...(place === 'lane' && { undelivered: { [A]: { code: 'cancelled' } } }) },
          other: {},
        },
        session: { queue: queueOf({ [RUNNING]: 'own' }) },
      });
      const outcome: MessageOutcome = { outcome: 'withdrawn', code: 'cancelled', expires: 4e9 as never };
      if (place === 'outcome') table.put(messageKey(session, A), outcome);
      await cancelMessage(core, from('other'), A);
      expect(told('other')).toMatchObject([{ type: 'cancelled', ids: ['a'] }]);
      expect(told('own')).toHaveLength(place === 'lane' ? 1 : 0);
    }
  });

  it('is no longer one that a turn has applied, whose outcome may come a moment later: the answer says where it is', async () => {
    for (const known of [true, false]) {
      const all = sessionInMemory({
        lanes: {
          own: { ...leased, ids: { [A]: 2 } },
          // It has another message of this id to remember, from a turn of before.
          other: { previousIds: { [A]: 1 }, begun: { turn: asTurnId('before'), seq: 1, entry: 1, at: AT } },
        },
        session: { queue: queueOf({ [RUNNING]: 'own', second: 'other' }) },
        core: {
          clock: {
            now: () => AT,
            sleep: async () => {
              await nextTick();
              const key = messageKey(all.session, A);
              const expires = 4e9 as never;
              if (known)
                all.table.put(key, { outcome: 'taken', turn: RUNNING, placement: 'steering', expires });
            },
          },
        },
      });
      await cancelMessage(all.core, all.from('own'), A);
      expect(all.told('own')).toEqual([
        {
          type: 'error',
          code: 'NOT_PENDING',
          id: 'a',
          terminal: false,
          retryable: false,
          turn_id: RUNNING,
          message: expect.stringContaining(RUNNING),
          ...(known && { placement: 'steering' }),
        },
      ]);
    }
  });

  it('is not one that nobody knows: that is said at once', async () => {
    const { core, from, told } = sessionInMemory({ lanes: { own: leased, other: {} } });
    const asked = core.clock.now();
    await cancelMessage(core, from('other'), A);
    expect(told('other')).toMatchObject([{ code: 'NOT_PENDING', id: 'a' }]);
    expect(told('other')[0]).not.toHaveProperty('turn_id');
    expect(core.clock.now()).toBe(asked);
  });

  it('is not one of another session on a lane of the same name (P12)', async () => {
    const { core, from, told, lane } = sessionInMemory({
      lanes: { own: { ...leased, session: 'stranger' as never, inbox: { [A]: said('x') }, bytes: 5 } },
    });
    await cancelMessage(core, from('own'), A);
    expect(told('own')).toMatchObject([{ code: 'NOT_PENDING' }]);
    expect(lane('own')?.inbox).toHaveProperty(A);
  });
});

describe('P14: an abort', () => {
  const running = () =>
    sessionInMemory({
      lanes: {
        own: { ...leased, inbox: { [A]: said('x'), [B]: said('y'), [C]: said('z') }, bytes: 15 },
        other: {},
      },
      session: { queue: queueOf({ [RUNNING]: 'own' }) },
    });

  it.each<[Partial<AbortFrame>, string]>([
    [{}, 'keep'],
    [{ pending: 'keep' }, 'keep'],
    [{ pending: 'discard' }, 'discard'],
    [{ turn_id: RUNNING, pending: 'discard' }, 'discard'],
    [{ pending: 'discard', pending_ids: ['a'] }, 'keep'],
  ])('%j asks the worker to %s what waits, in the name of the user', async (said, pending) => {
    const { core, from, lane, told } = running();
    await abortTurn(core, from('other'), { type: 'abort', ...said });
    expect(lane('own')?.cancel).toEqual({ turn: RUNNING, pending, by: 'ann' });
    expect(told('other').filter(({ type }) => type === 'error')).toEqual([]);
  });

  it('that names another turn stops none, and withdraws only what it names', async () => {
    const { core, from, lane, told } = running();
    const pending_ids = ['a', 'unknown', 'c'];
    await abortTurn(core, from('own'), { type: 'abort', turn_id: 'past', pending: 'discard', pending_ids });
    expect(lane('own')).not.toHaveProperty('cancel');
    expect(Object.keys(lane('own')?.inbox ?? {})).toEqual(['b']);
    expect(told('own').at(-1)).toMatchObject({ code: 'NO_ACTIVE_TURN' });
  });

  it('that names what waits of a turn without a worker is answered by that, and one that finds nothing of it says so', async () => {
    for (const [id, refusals] of [
      ['b', 0],
      ['unknown', 1],
    ] as const) {
      const { core, from, told, lane } = sessionInMemory({
        lanes: { own: waits('t', 'a', 'b') },
        session: { queue: queueOf({ t: 'own' }) },
      });
      await abortTurn(core, from('own'), { type: 'abort', pending: 'discard', pending_ids: [id] });
      expect(told('own').filter(({ type }) => type === 'error')).toHaveLength(refusals);
      expect(lane('own')?.inbox).toHaveProperty('a');
    }
  });

  it('that comes as a worker claims the turn withdraws nothing, and is answered', async () => {
    const all = sessionInMemory({
      lanes: { own: waits('t', 'a') },
      session: { queue: queueOf({ t: 'own' }) },
      before: ({ operation, key }) => {
        if (operation !== 'update' || !key.sk.startsWith('LANE#')) return;
        all.table.update(
          key as never,
          { when: [], change: [{ do: 'set', path: 'lease', value: 'worker' }] } as never,
        );
      },
    });
    await abortTurn(all.core, all.from('own'), { type: 'abort' });
    expect(all.told('own')).toMatchObject([{ code: 'NO_ACTIVE_TURN' }]);
    expect(all.lane('own')?.inbox).toHaveProperty('a');
  });

  it('of a turn without a worker, from whoever speaks for its lane, is told to both, and gives its place back', async () => {
    const { core, from, told, table, session } = sessionInMemory({
      lanes: { own: waits('t', 'a') },
      session: { queue: queueOf({ t: 'own' }) },
    });
    await abortTurn(core, { ...from('own'), id: from('desk').id }, { type: 'abort' });
    for (const lane of ['own', 'desk']) expect(told(lane)).toMatchObject([{ type: 'cancelled', ids: ['a'] }]);
    expect(table.get({ pk: `SESSION#${session}`, sk: '-' })).toMatchObject({ queue: {} });
  });
});

describe('an acknowledgement', () => {
  const given = (
    lane: Partial<Lane>,
    { queue = {}, deleted }: { queue?: object; deleted?: boolean } = {},
  ) => {
    const counted: string[] = [];
    const milestones: [string, Record<string, unknown>][] = [];
    const { queues, jobs } = recordingPorts();
    const all = sessionInMemory({
      lanes: { own: lane },
      session: { queue: queueOf(queue as Record<string, string>), ...(deleted && { deleted: AT }) },
      core: {
        queues,
        metrics: { count: (name) => counted.push(name), countBy() {}, time() {} },
        milestones: { reached: (name, _, fields) => milestones.push([name, fields as never]) },
      },
    });
    const tell = (id: typeof A, duplicate = false) =>
      acknowledge(all.core, all.from('own'), asLaneId('own'), id, all.lane('own') as Lane, { duplicate });
    return { ...all, tell, counted, milestones, jobs: jobs as TurnJob[] };
  };

  it('of a message that opens a turn tells how many turns are before it, and how long it took', async () => {
    const { tell, told, milestones, jobs } = given(waits('t', 'a'), { queue: { u: 'other', v: 'other' } });
    await tell(A);
    expect(told('own')).toEqual([
      { type: 'accepted', id: 'a', turn_id: 't', placement: 'turn', position: 2 },
    ]);
    expect(jobs).toMatchObject([{ slot: 't' }]);
    expect(milestones.find(([name]) => name === 'message accepted')?.[1]).toEqual({
      lane: 'own',
      message_id: 'a',
      turn: 't',
      placement: 'turn',
      position: 2,
      sinceReceivedMs: 10_000,
    });
  });

  it('counts steering, and a repeat not', async () => {
    const { tell, counted, milestones, told } = given({
      ...leased,
      inbox: { [A]: said('x'), [B]: said('y') },
    });
    await tell(B);
    expect(told('own')).toMatchObject([{ placement: 'steering', position: 1, turn_id: RUNNING }]);
    expect(counted).toEqual(['SteeringAccepted']);
    expect(milestones).toHaveLength(1);
    await tell(B, true);
    expect(counted).toEqual(['SteeringAccepted']);
    expect(milestones).toHaveLength(1);
    expect(told('own')[1]).toMatchObject({ placement: 'steering', position: 1, duplicate: true });
  });

  it.each([
    ['in this turn', { ...leased, ids: { [A]: 1 } }, 'turn'],
    ['in this turn, after its first step', { ...leased, ids: { [A]: 2 } }, 'steering'],
    ['in the turn before', { begun: leased.begun, previousIds: { [A]: 1 } }, 'turn'],
    [
      'in the turn before, after its first step',
      { begun: leased.begun, previousIds: { [A]: 2 } },
      'steering',
    ],
  ] as const)('P10: of what was applied %s names that turn and its place', async (_, lane, placement) => {
    const { tell, told } = given(lane as Partial<Lane>);
    await tell(A, true);
    expect(told('own')).toEqual([
      { type: 'accepted', id: 'a', turn_id: RUNNING, placement, position: 0, duplicate: true },
    ]);
  });

  it('P1: of a message whose session was deleted, or is full, is an error that names it, once', async () => {
    for (const [more, code] of [
      [{ deleted: true }, 'SESSION_DELETED'],
      [
        { queue: Object.fromEntries(Array.from({ length: 8 }, (_, n) => [`s${n}`, 'full'])) },
        'SESSION_QUEUE_FULL',
      ],
    ] as const) {
      const { tell, told, table, session } = given(waits('t', 'a'), more);
      // The lane of the others has work for their slots.
      const waiting = Object.fromEntries(Array.from({ length: 8 }, (_, n) => [`m${n}`, said(`s${n}`)]));
      table.put(
        { pk: `SESSION#${session}`, sk: 'LANE#full' },
        { session, turn: 'x', slot: 'x', waiting, undelivered: {} },
      );
      await tell(A);
      expect(told('own')).toMatchObject([{ type: 'error', code, id: 'a' }]);
    }
  });

  it.each([
    ['nobody', 'SESSION_QUEUE_FULL'],
    ['a function that rejects it and has told so', 'SESSION_QUEUE_TIMEOUT'],
    ['the deletion, which has removed its lane', 'SESSION_DELETED'],
    ['a worker, which has claimed its turn', undefined],
  ])(
    'P1: of a message that finds no room, and that %s was faster with, is what became of it',
    async (by, code) => {
      const all = given(waits('t', 'a'), {
        queue: Object.fromEntries(Array.from({ length: 8 }, (_, n) => [`s${n}`, 'full'])),
      });
      const { table, session, core, from, told } = all;
      const key = laneKey(session, asLaneId('own'));
      table.put(laneKey(session, asLaneId('full')), {
        ...(all.lane('own') as Lane),
        waiting: Object.fromEntries(Array.from({ length: 8 }, (_, n) => [`m${n}`, said(`s${n}`)])),
      });
      const lane = all.lane('own') as Lane;
      const get = core.store.get.bind(core.store);
      let reads = 0;
      core.store.get = async (read) => {
        // The first look at the lane is that of the rejection.
        if (read.sk === key.sk && reads++ === 0) {
          if (by.startsWith('a function')) {
            table.put(key, { ...emptyLane(session, lane.connection, lane.expires), previousIds: { [A]: 1 } });
            const expires = lane.expires;
            table.put(messageKey(session, A), {
              outcome: 'withdrawn',
              code: 'SESSION_QUEUE_TIMEOUT',
              expires,
            });
          } else if (by.startsWith('the deletion')) table.delete(key);
          else if (by.startsWith('a worker')) table.put(key, { ...lane, lease: 'worker' });
        }
        return get(read);
      };
      await acknowledge(core, { ...from('own'), id: from('desk').id }, asLaneId('own'), A, lane, {
        duplicate: true,
      });
      expect(told('desk')).toMatchObject([
        code === undefined
          ? { type: 'accepted', placement: 'turn', duplicate: true }
          : { type: 'error', code, id: 'a' },
      ]);
    },
  );
});
