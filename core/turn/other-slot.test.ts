import { describe, expect, it } from 'vitest';
import { readLimits } from '../../config/settings/limits.ts';
import { epochSeconds } from '../../config/units.ts';
import { asConnectionId, asLaneId, asMessageId, asTurnId, type SlotId, slotOf } from '../ids.ts';
import type { Model } from '../model.ts';
import { leaveFlight } from '../session/turns-in-flight.ts';
import { laneKey, principalTurnsKey } from '../store/keys.ts';
import { emptyLane } from '../store/lane/lane.ts';
import { takePlace } from '../store/turns-in-flight.ts';
import { recordingPorts } from '../testing/memory-core.ts';
import { type TurnInMemory, turnInMemory } from '../testing/turn-in-memory.ts';

/** A message that waits for a turn of its own behind one whose opener died before it took the slot's place. */
async function given() {
  const ports = recordingPorts();
  const places: string[][] = [];
  let turn: TurnInMemory | undefined;
  const placesNow = async () => {
    const item = turn && (await turn.core.store.get(principalTurnsKey(turn.session)));
    return Object.keys(item?.slots ?? {});
  };
  const model: Model = {
    provider: 'p',
    name: 'm',
    async *stream() {
      places.push(await placesNow());
      yield { type: 'text', text: 'Yes.' };
      yield { type: 'finish', reason: 'stop', usage: { inputTokens: 1, outputTokens: 1 } };
    },
  };
  turn = await turnInMemory(model, {
    core: { ...ports, limits: { ...readLimits({}), principalTurns: 2, tenantTurns: 0 } },
  });
  const { core, session, lane } = turn;
  await turn.send('first', 'hello');
  await turn.send('second', 'and then', { delivery: 'queue' });
  const stored = await core.store.get(laneKey(session, lane));
  const first = stored?.slot as SlotId;
  const waiting = stored?.waiting[asMessageId('second')];
  const second = slotOf(waiting?.turn as Parameters<typeof slotOf>[0]);
  await leaveFlight(core, { session, slot: first });
  return { turn, first, second, places, placesNow, ...ports };
}

describe('a slot that runs under the job of another one', () => {
  it('takes its place among the turns in flight before its turn begins, and gives it back', async () => {
    const { turn, first, second, places, placesNow, jobs } = await given();
    jobs.length = 0;
    expect(await turn.run(second)).toBe(1);
    expect(places).toEqual([expect.arrayContaining([first, second]), [second]]);
    expect(jobs.map(({ slot }) => slot)).toEqual([first]);
    expect(await placesNow()).toEqual([]);
  });

  it('is answered that there is no room, if there is none, and the other one runs', async () => {
    const { turn, second, places, frames } = await given();
    const { core, session } = turn;
    const elsewhere = asLaneId('elsewhere');
    const waits = asTurnId('waits');
    const expires = epochSeconds(1e10);
    await core.store.put(laneKey(session, elsewhere), {
      ...emptyLane(session, asConnectionId('other'), expires),
      turn: waits,
      slot: slotOf(waits),
      since: core.clock.now(),
    });
    const place = takePlace({ session, lane: elsewhere, slot: slotOf(waits) }, 2, expires);
    expect(await core.store.update(principalTurnsKey(session), place)).toMatchObject({ ok: true });
    expect(await turn.run(second)).toBe(1);
    expect(places).toHaveLength(1);
    expect(frames).toContainEqual(
      expect.objectContaining({ type: 'error', code: 'TOO_MANY_TURNS', id: 'first' }),
    );
  });
});
