import { expect, test } from 'vitest';
import { epochMs } from '../../config/units.ts';
import { readEvents } from '../events/journal.ts';
import type { RequestId } from '../ids.ts';
import type { Model, ModelPart } from '../model.ts';
import { trustedIn } from '../session/trusts.ts';
import { laneKey, sessionKey } from '../store/keys.ts';
import { decide, requestAbort } from '../store/lane/request.ts';
import { idleToolbox, type TurnInMemory, turnInMemory } from '../testing/turn-in-memory.ts';

const model: Model = {
  provider: 'test',
  name: 'asks',
  async *stream(): AsyncGenerator<ModelPart> {
    yield { type: 'tool_call', id: 'call', name: 'guarded', args: {} };
    yield { type: 'finish', reason: 'tool_calls', usage: { inputTokens: 1, outputTokens: 1 } };
  },
};

test('an `always` holds for the session, also if its turn is stopped before a worker has seen it', async () => {
  let now = 1_800_000_000_000;
  let isAnswered = false;
  /** Both are there when the worker looks at the lane next. */
  async function answerAndAbort({ core, session, lane }: TurnInMemory) {
    const key = laneKey(session, lane);
    const { turn: id, approvals = {} } = (await core.store.get(key)) ?? {};
    const [request] = Object.keys(approvals) as RequestId[];
    if (isAnswered || id === undefined || request === undefined) return;
    isAnswered = true;
    await core.store.update(key, decide(request, { decision: 'always', by: 'ann' }));
    await core.store.update(key, requestAbort({ turn: id, by: 'ann', pending: 'keep' }));
  }
  const clock = {
    now: () => epochMs(now),
    sleep: async (duration: number) => {
      now += duration;
      await answerAndAbort(turn);
    },
  };
  const turn: TurnInMemory = await turnInMemory(model, {
    toolbox: { ...idleToolbox, needsApproval: async () => true },
    core: { clock },
  });
  await turn.send('m', 'hello');
  expect(await turn.run()).toBeDefined();
  const events = await readEvents(turn.core, turn.session, 1);
  expect(events.filter(({ type }) => type === 'approval_resolved')).toMatchObject([
    { decision: 'always', reason: 'answer' },
  ]);
  expect(events.at(-1)).toMatchObject({ type: 'aborted' });
  const session = await turn.core.store.get(sessionKey(turn.session));
  expect([...trustedIn(session)]).toEqual(['guarded']);
});
