import fc from 'fast-check';
import { expect, it } from 'vitest';
import { epochMs } from '../../config/units.ts';
import { readEvents } from '../events/journal.ts';
import type { Model, ModelPart } from '../model.ts';
import { laneKey } from '../store/keys.ts';
import { requestAbort } from '../store/lane/request.ts';
import { idleToolbox, type TurnInMemory, turnInMemory } from '../testing/turn-in-memory.ts';

const BEGAN = 1_800_000_000_000;

it('a request that nobody answers is denied when its time is over, not one look at the lane later', async () => {
  const timeouts = fc.integer({ min: 5, max: 20 });
  /** How much later than asked a sleep ends: looks at the lane and the end of the time fall apart. */
  const lateness = fc.integer({ min: 0, max: 400 });
  await fc.assert(
    fc.asyncProperty(timeouts, lateness, async (timeout, late) => {
      let now = BEGAN;
      const calledAt: number[] = [];
      const model: Model = {
        provider: 'test',
        name: 'asks',
        async *stream(): AsyncGenerator<ModelPart> {
          if (calledAt.push(now) === 1) yield { type: 'tool_call', id: 'call', name: 'guarded', args: {} };
          yield { type: 'finish', reason: 'stop', usage: { inputTokens: 1, outputTokens: 1 } };
        },
      };
      const clock = {
        now: () => epochMs(now),
        sleep: async (ms: number) => {
          if (ms > 0) now += ms + late;
        },
      };
      const turn = await turnInMemory(model, {
        core: { clock },
        toolbox: { ...idleToolbox, needsApproval: async () => true },
        settings: { MIDTURN_APPROVAL_HOLD_SECONDS: '30', MIDTURN_APPROVAL_TIMEOUT_SECONDS: String(timeout) },
      });
      await turn.send('m', 'hello');
      expect(await turn.run()).toBe(1);
      const events = await readEvents(turn.core, turn.session, 1);
      const request = events.find((event) => event.type === 'approval_request');
      const deniedAfter = (calledAt[1] ?? Number.NaN) - (request?.at ?? Number.NaN);
      expect(deniedAfter).toBeGreaterThanOrEqual(timeout * 1000);
      expect(deniedAfter).toBeLessThanOrEqual(timeout * 1000 + late);
    }),
    { numRuns: 50 },
  );
});

it('P14: an abort while a request is open ends the turn at the next look at the lane, and not with the request', async () => {
  let now = BEGAN;
  let looks = 0;
  const model: Model = {
    provider: 'test',
    name: 'asks',
    async *stream(): AsyncGenerator<ModelPart> {
      yield { type: 'tool_call', id: 'call', name: 'guarded', args: {} };
      yield { type: 'finish', reason: 'tool_calls', usage: { inputTokens: 1, outputTokens: 1 } };
    },
  };
  const clock = {
    now: () => epochMs(now),
    sleep: async (ms: number) => {
      now += ms;
      const key = laneKey(turn.session, turn.lane);
      const { turn: id, approvals = {} } = (await turn.core.store.get(key)) ?? {};
      if (id === undefined || Object.keys(approvals).length === 0) return;
      looks++;
      if (looks === 3)
        await turn.core.store.update(key, requestAbort({ turn: id, by: 'ann', pending: 'keep' }));
    },
  };
  const turn: TurnInMemory = await turnInMemory(model, {
    core: { clock },
    toolbox: { ...idleToolbox, needsApproval: async () => true },
    settings: { MIDTURN_APPROVAL_HOLD_SECONDS: '30', MIDTURN_APPROVAL_TIMEOUT_SECONDS: '3600' },
  });
  await turn.send('m', 'hello');
  expect(await turn.run()).toBe(1);
  expect(looks).toBe(3);
  const events = await readEvents(turn.core, turn.session, 1);
  expect(events.at(-1)).toMatchObject({ type: 'aborted' });
  expect(events.filter(({ type }) => type === 'approval_resolved')).toMatchObject([{ decision: 'deny' }]);
});
