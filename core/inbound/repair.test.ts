import { describe, expect, it } from 'vitest';
import { epochMs, epochSeconds } from '../../config/units.ts';
import { around } from '../../test/support/text.ts';
import { asLaneId, asMessageId, asTurnId, slotOf } from '../ids.ts';
import type { TurnJob } from '../ports.ts';
import type { Lane, MessageOutcome, PendingMessage } from '../store/items.ts';
import { messageKey } from '../store/keys.ts';
import { recordingPorts } from '../testing/memory-core.ts';
import { leased, RUNNING, sessionInMemory } from '../testing/session-in-memory.ts';
import { repairLane } from './repair.ts';

const [A, B] = ['a', 'b'].map(asMessageId) as [
  ReturnType<typeof asMessageId>,
  ReturnType<typeof asMessageId>,
];
const NOW = 1_800_000_010_000;
const said = (turn: string, at = NOW): PendingMessage => ({
  content: 'hello',
  turn: asTurnId(turn),
  at: epochMs(at),
});
const opened = (at: number): Partial<Lane> => ({
  turn: asTurnId('t'),
  slot: slotOf(asTurnId('t')),
  since: epochMs(at),
  inbox: { [A]: said('t', at) },
  bytes: 5,
});

function given(lanes: Readonly<Record<string, Partial<Lane>>>, session: object = {}) {
  const { queues, jobs } = recordingPorts();
  const all = sessionInMemory({ lanes, session, core: { queues } });
  return {
    ...all,
    jobs: jobs as TurnJob[],
    repair: (lane = 'mine') => repairLane(all.core, all.session, asLaneId(lane)),
    settle: (id: typeof A, outcome: Partial<MessageOutcome>) =>
      all.table.put(messageKey(all.session, id), {
        expires: epochSeconds(4e9),
        ...outcome,
      } as MessageOutcome),
  };
}

describe('P1: a lane whose opener may have died', () => {
  it('has its turn opened again, once a living one would have sent its job', async () => {
    for (const [n, ago] of around(3000).entries()) {
      const { repair, jobs } = given({ mine: opened(NOW - ago) });
      await repair();
      expect(jobs.map(({ slot, lane }) => [slot, lane])).toEqual(n < 2 ? [] : [['t', 'mine']]);
    }
  });

  it('and the turns of messages that wait, each by its own time, but none that a worker has', async () => {
    for (const [n, ago] of around(3000).entries()) {
      const waiting = { [A]: said('u', NOW - ago), [B]: said('v', NOW) };
      const { repair, jobs } = given({ mine: { ...leased, waiting } });
      await repair();
      expect(jobs.map(({ slot }) => slot)).toEqual(n < 2 ? [] : ['u']);
    }
  });

  it('and is told what became of it where there is no room, or its session was deleted', async () => {
    const queue = Object.fromEntries(
      Array.from({ length: 8 }, (_, n) => [`s${n}`, { lane: asLaneId('full'), at: epochMs(NOW) }]),
    );
    const waiting = Object.fromEntries(Array.from({ length: 8 }, (_, n) => [`m${n}`, said(`s${n}`)]));
    for (const [session, code] of [
      [{ queue }, 'SESSION_QUEUE_FULL'],
      [{ deleted: epochMs(NOW) }, 'SESSION_DELETED'],
    ] as const) {
      const { repair, told, lane } = given({ mine: opened(1), full: { turn: RUNNING, waiting } }, session);
      await repair();
      expect(told('mine')).toMatchObject([{ type: 'error', code, id: 'a' }]);
      expect(lane('mine')).toMatchObject({ inbox: {}, undelivered: {} });
    }
  });

  it('that is gone is left alone', async () => {
    await expect(given({ mine: {} }).repair('gone')).resolves.toBeUndefined();
  });
});

describe('P10: messages of a lane that steer the turn of another one', () => {
  const target = `other ${RUNNING}`;
  it('are forgotten when they were taken or cannot arrive any more, and kept as long as they can', async () => {
    const other = { ...leased, inbox: { [B]: { ...said('y'), from: asLaneId('mine') } } };
    for (const [outcome, place, isKept] of [
      [undefined, target, true],
      [undefined, 'other past', false],
      [{ outcome: 'taken', turn: RUNNING, placement: 'steering' }, target, false],
    ] as const) {
      const { repair, lane, settle, told } = given({
        mine: { forwarded: { [A]: place, [B]: target } },
        other,
      });
      if (outcome) settle(A, outcome);
      await repair();
      expect(lane('mine')?.forwarded).toEqual({ ...(isKept && { [A]: place }), [B]: target });
      expect(told('mine')).toEqual([]);
    }
  });

  it('P1: are told of when they were withdrawn while their sender was away, once, whoever had told the others', async () => {
    const { repair, lane, settle, told } = given({
      mine: { forwarded: { [A]: target, [B]: target } },
      other: leased,
    });
    settle(A, { outcome: 'withdrawn', code: 'cancelled' });
    for (let n = 0; n < 2; n++) await repair();
    expect(told('mine')).toMatchObject([{ type: 'cancelled', ids: ['a'] }]);
    expect(lane('mine')).toMatchObject({ forwarded: { [B]: target }, undelivered: {} });
  });

  it('P1: are told of where the target has not told yet', async () => {
    const undelivered = { [A]: { code: 'SESSION_QUEUE_TIMEOUT', from: asLaneId('mine') } } as const;
    const { repair, lane, told } = given({
      mine: { forwarded: { [A]: target } },
      other: { ...leased, undelivered },
    });
    await repair();
    expect(told('mine')).toMatchObject([{ code: 'SESSION_QUEUE_TIMEOUT', id: 'a' }]);
    expect([lane('mine')?.forwarded, lane('other')?.undelivered]).toEqual([{}, {}]);
  });
});
