import { expect, it } from 'vitest';
import { asConnectionId, asLaneId, asMessageId, asSessionKey, asTurnId } from '../ids.ts';
import type { Lane } from '../store/items.ts';
import { messageKey } from '../store/keys.ts';
import { memoryCore, recordingPorts } from '../testing/memory-core.ts';
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
