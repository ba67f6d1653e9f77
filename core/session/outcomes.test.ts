import { expect, it } from 'vitest';
import { epochSeconds } from '../../config/units.ts';
import { asConnectionId, asLaneId, asMessageId, asSessionKey, asTurnId } from '../ids.ts';
import type { Lane } from '../store/items.ts';
import { laneKey, messageKey } from '../store/keys.ts';
import { emptyLane } from '../store/lane/lane.ts';
import { memoryCore, recordingPorts } from '../testing/memory-core.ts';
import { formatForwardTarget } from './forwarded.ts';
import { recordTaken, reportOutcomes } from './outcomes.ts';

const session = asSessionKey('s');
const [a, b] = [asMessageId('a'), asMessageId('b')];

/** What the two functions read of a lane. */
const laneWith = (lane: Partial<Lane>) => ({ session, undelivered: {}, forwarded: {}, ...lane }) as Lane;

it('P10: of the messages of a turn those are taken that were not withdrawn', async () => {
  const core = memoryCore();
  const lane = laneWith({ undelivered: { [b]: { code: 'AGENT_ERROR' } } });
  await recordTaken(core, lane, asTurnId('t'), { [a]: 1, [b]: 2 });
  expect(await core.store.get(messageKey(session, a))).toMatchObject({ outcome: 'taken', turn: 't' });
  expect(await core.store.get(messageKey(session, b))).toBeUndefined();
});

it('P1: a message that was withdrawn is counted once, however often its outcome is reported', async () => {
  const counted: string[] = [];
  const { gateway, frames } = recordingPorts();
  const core = memoryCore({
    gateway,
    metrics: { count() {}, countBy: (name, part) => void counted.push(`${name} ${part}`), time() {} },
  });
  const lane = laneWith({
    connection: asConnectionId('c'),
    undelivered: { [a]: { code: 'AGENT_ERROR' }, [b]: { code: 'BUDGET_EXCEEDED' } },
  });
  for (let n = 0; n < 3; n++) await reportOutcomes(core, asLaneId('l'), lane);
  const withdrawn = counted.filter((one) => one.startsWith('MessagesWithdrawn'));
  expect(withdrawn.toSorted()).toEqual([
    'MessagesWithdrawn AGENT_ERROR',
    'MessagesWithdrawn BUDGET_EXCEEDED',
  ]);
  expect(frames).toHaveLength(6);
});

it.each<[string, { from?: true; home: 'heard' | 'gone' | 'without a connection' }, kept: boolean]>([
  ['of its sender, who hears it, is forgotten', { home: 'heard' }, false],
  ['of its sender, who is gone, stays', { home: 'gone' }, true],
  ['of the application, which asks again, is forgotten', { home: 'without a connection' }, false],
  ['that was forwarded, and whose sender hears it, is forgotten', { from: true, home: 'heard' }, false],
  ['that was forwarded, and whose sender is gone, stays at the sender', { from: true, home: 'gone' }, true],
])('P1: the outcome of a message %s', async (_, { from, home }, isKept) => {
  const { gateway } = recordingPorts();
  const posts = { ...gateway, post: async () => (home === 'gone' ? ('gone' as const) : ('sent' as const)) };
  const core = memoryCore({ gateway: posts });
  const [here, there] = [asLaneId('here'), asLaneId('there')];
  const target = from ? there : here;
  const made = (connection?: string) =>
    emptyLane(session, connection === undefined ? undefined : asConnectionId(connection), epochSeconds(9));
  const place = formatForwardTarget({ laneId: there, turn: asTurnId('t') });
  const withdrawn = { [a]: { code: 'cancelled' as const, ...(from && { from: here }) } };
  const sender = made(home === 'without a connection' ? undefined : 'c');
  await core.store.put(laneKey(session, there), made('other'));
  await core.store.put(laneKey(session, here), { ...sender, ...(from && { forwarded: { [a]: place } }) });
  const lane = { ...((await core.store.get(laneKey(session, target))) as Lane), undelivered: withdrawn };
  await core.store.put(laneKey(session, target), lane);
  await reportOutcomes(core, target, lane);
  const after = await core.store.get(laneKey(session, target));
  expect(Object.keys(after?.undelivered ?? {})).toEqual(isKept && !from ? [a] : []);
  const own = await core.store.get(laneKey(session, here));
  expect(Object.keys(own?.forwarded ?? {})).toEqual(isKept && from ? [a] : []);
});
