import { expect, it } from 'vitest';
import type { Model } from '../model.ts';
import { recordingPorts } from '../testing/memory-core.ts';
import { type TurnInMemory, turnInMemory } from '../testing/turn-in-memory.ts';

it('P10: a repeat that comes between the commit that applies a message and its stored outcome is answered as the first', async () => {
  const ports = recordingPorts();
  const stored = Promise.withResolvers<void>();
  let turn: TurnInMemory | undefined;
  const model: Model = {
    provider: 'p',
    name: 'm',
    async *stream() {
      await turn?.send('m1', 'hello');
      stored.resolve();
      yield { type: 'text', text: 'Yes.' };
      yield { type: 'finish', reason: 'stop', usage: { inputTokens: 1, outputTokens: 1 } };
    },
  };
  turn = await turnInMemory(model, { core: ports });
  const { store } = turn.core;
  const put = store.putIfAbsent.bind(store);
  await turn.send('m1', 'hello');
  store.putIfAbsent = async (...args) => {
    await stored.promise;
    return put(...args);
  };
  expect(await turn.run()).toBe(1);
  await turn.send('m1', 'hello');
  const accepted = ports.frames.filter(({ type }) => type === 'accepted');
  expect(accepted.map(({ placement, duplicate }) => [placement, duplicate])).toEqual([
    ['turn', undefined],
    ['turn', true],
    ['turn', true],
  ]);
});
