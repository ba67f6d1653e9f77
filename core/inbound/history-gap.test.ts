import { describe, expect, it } from 'vitest';
import { epochMs } from '../../config/units.ts';
import type { TurnEvent } from '../events/events.ts';
import { spillEvents } from '../events/journal.ts';
import { asConnectionId, asMessageId, asSessionId, asTurnId } from '../ids.ts';
import type { Session } from '../store/items.ts';
import { eventsKey, sessionKey, sessionOf } from '../store/keys.ts';
import { set } from '../store/update.ts';
import { memoryCore, recordingPorts } from '../testing/memory-core.ts';
import { registerConnection } from './connection-lifecycle.ts';
import { handleFrame } from './dispatch.ts';

const PRINCIPAL = { tenant: 't', subject: 's' };
const SESSION_ID = asSessionId('one');
const SESSION = sessionOf(PRINCIPAL, SESSION_ID);
const CONNECTION = asConnectionId('c');
const TURNS = 3;

/** Three events: `3n - 2` to `3n`. */
function turnEvents(n: number): TurnEvent[] {
  const turn = asTurnId(`t${n}`);
  const seq = 3 * n - 2;
  const message_ids = [asMessageId(`m${n}`)];
  return [
    { type: 'turn_start', seq, turn, message_ids, entry: 2 * n - 1, at: epochMs(0) },
    { type: 'chunk', seq: seq + 1, turn, content: `answer ${n}`, offset: 0 },
    { type: 'aborted', seq: seq + 2, turn, by: 'c', first: seq },
  ];
}

/** A client that has everything up to `after` comes back after the events of these turns have expired. */
async function comeBack(after: number, expired: readonly number[]) {
  const { frames, gateway, queues } = recordingPorts();
  const core = memoryCore({ gateway, queues });
  await registerConnection(core, CONNECTION, { principal: PRINCIPAL, sessionId: SESSION_ID });
  for (let n = 1; n <= TURNS; n++) await spillEvents(core, SESSION, turnEvents(n));
  await core.store.update(sessionKey(SESSION), { when: [], change: [set<Session>('seq', 3 * TURNS)] });
  for (const n of expired) await core.store.delete(eventsKey(SESSION, 3 * n));
  const body = JSON.stringify({ type: 'connect', resume: { after_seq: after } });
  await handleFrame(core, { connectionId: CONNECTION, body, receivedAt: epochMs(0) });
  return frames.flatMap(({ type, seq, after_seq, available_from }) => {
    if (type === 'history_gap') return [{ after_seq, available_from }];
    return seq === undefined ? [] : [seq];
  });
}

describe('P9: a client that comes back after events have expired', () => {
  it('is told of the gap before the events that are left', async () => {
    expect(await comeBack(0, [])).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(await comeBack(0, [1])).toEqual([{ after_seq: 0, available_from: 4 }, 4, 5, 6, 7, 8, 9]);
    expect(await comeBack(2, [1, 2])).toEqual([{ after_seq: 2, available_from: 7 }, 7, 8, 9]);
  });

  it('is told that nothing is left', async () => {
    expect(await comeBack(0, [1, 2, 3])).toEqual([{ after_seq: 0, available_from: 10 }]);
    expect(await comeBack(8, [1, 2, 3])).toEqual([{ after_seq: 8, available_from: 10 }]);
  });

  it('is told of no gap where it has what expired', async () => {
    expect(await comeBack(3, [1])).toEqual([4, 5, 6, 7, 8, 9]);
    expect(await comeBack(9, [1, 2, 3])).toEqual([]);
  });

  it('gets what follows the last hole: events before it may be of a turn that is not whole', async () => {
    expect(await comeBack(0, [2])).toEqual([{ after_seq: 0, available_from: 7 }, 7, 8, 9]);
  });
});
