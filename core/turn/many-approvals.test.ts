import { expect, test } from 'vitest';
import { readEvents } from '../events/journal.ts';
import type { Model, ModelPart } from '../model.ts';
import { idleToolbox, turnInMemory } from '../testing/turn-in-memory.ts';

const CALLS = 200;

test('P13: a step may ask for more approvals than one expression could name; to be set down counts no attempt', async () => {
  let step = 0;
  const model: Model = {
    provider: 'test',
    name: 'asks',
    async *stream(): AsyncGenerator<ModelPart> {
      if (step++ === 0)
        for (let n = 0; n < CALLS; n++)
          yield { type: 'tool_call', id: `call-${n}`, name: 'guarded', args: {} };
      else yield { type: 'text', text: 'done' };
      yield { type: 'finish', reason: 'stop', usage: { inputTokens: 1, outputTokens: 1 } };
    },
  };
  const turn = await turnInMemory(model, {
    toolbox: { ...idleToolbox, needsApproval: async () => true },
    settings: { MIDTURN_APPROVAL_HOLD_SECONDS: '0', MIDTURN_APPROVAL_TIMEOUT_SECONDS: '3600' },
  });
  await turn.send('m', 'hello');
  // Nobody answers: all are denied when their time is over. Until then the turn is set down more often than it may fail.
  expect(await turn.run()).toBeGreaterThan(20);
  const events = await readEvents(turn.core, turn.session, 1);
  const ends = events.filter(({ type }) => type === 'done' || type === 'error').map(({ type }) => type);
  expect(ends).toEqual(['done']);
  expect(events.filter(({ type }) => type === 'tool_result')).toHaveLength(CALLS);
});
