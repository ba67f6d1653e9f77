import { expect, test } from 'vitest';
import { readEvents } from '../events/journal.ts';
import type { Model, ModelPart, ModelRequest } from '../model.ts';
import { MemoryTable, memoryStore } from '../testing/memory-store.ts';
import { turnInMemory } from '../testing/turn-in-memory.ts';

/** `prepareStep` takes until the lane is polled. */
function preparing(wait: () => Promise<void>) {
  const made = { calls: 0 };
  const model: Model = {
    provider: 'test',
    name: 'm',
    async prepareStep(request) {
      await wait();
      return { model, request };
    },
    async *stream() {
      made.calls += 1;
      yield { type: 'text', text: 'An answer.' };
      yield { type: 'finish', reason: 'stop', usage: { inputTokens: 10, outputTokens: 5 } };
    },
  };
  return { model, made };
}

test('P1, P8: a read of the lane that fails while the agent prepares a step is not the agent’s failure', async () => {
  let isAsked = false;
  let throttled = 0;
  let goOn = () => {};
  const { model, made } = preparing(() => {
    isAsked = true;
    return new Promise<void>((resolve) => {
      goOn = resolve;
    });
  });
  const store = memoryStore(new MemoryTable(), async (call, run) => {
    if (!isAsked || call.operation !== 'get' || !call.key.sk.startsWith('LANE#')) return run();
    // The poll of the lane. The first one is throttled; with the next one, the agent's code answers.
    if (++throttled === 1) throw new Error('ThrottlingException');
    goOn();
    return run();
  });
  const turn = await turnInMemory(model, { core: { store } });
  await turn.send('m', 'hello');
  expect(await turn.run()).toBe(2);
  expect(throttled).toBeGreaterThan(1);
  expect(made.calls).toBe(1);
  const events = await readEvents(turn.core, turn.session, 1);
  expect(events.at(-1)?.type).toBe('done');
});

test('P1: agent code that answers nothing ends its turn, after as long as a silent model may take', async () => {
  const { model, made } = preparing(() => new Promise(() => {}));
  const turn = await turnInMemory(model, { settings: { MIDTURN_MODEL_STALL_SECONDS: '30' } });
  const begun = turn.core.clock.now();
  await turn.send('m', 'hello');
  expect(await turn.run()).toBe(1);
  expect(made.calls).toBe(0);
  const events = await readEvents(turn.core, turn.session, 1);
  expect(events.at(-1)).toMatchObject({ type: 'error', code: 'AGENT_ERROR' });
  // Time passes only while somebody waits.
  const took = turn.core.clock.now() - begun;
  expect(took).toBeGreaterThanOrEqual(30_000);
  expect(took).toBeLessThan(31_000);
});

test('P11: the prompt of a model that needs alternating roles has them where the agent names that model', async () => {
  const asked: ModelRequest[] = [];
  const named = {
    provider: 'test',
    name: 'm',
    async *stream(request: ModelRequest): AsyncGenerator<ModelPart> {
      asked.push(request);
      const failure = { code: 'PROVIDER_ERROR', message: 'No.', retryable: false, diagnostic: 'no' } as const;
      yield { type: 'failure', failure: { ...failure, reason: 'rejected' } };
    },
  };
  const model: Model = {
    ...named,
    alternates: true,
    prepareStep: async (_request, requestFor) => ({ model: named, request: requestFor(named) }),
  };
  const turn = await turnInMemory(model);
  await turn.send('m1', 'one');
  await turn.send('m2', 'two');
  await turn.run();
  const prompts = asked.map(({ messages, bare }) => JSON.stringify({ messages, bare }));
  expect(asked[0]?.messages.map(({ role }) => role)).toEqual(['user']);
  // Each form after a refusal is another prompt.
  expect(new Set(prompts).size).toBe(prompts.length);
  const events = await readEvents(turn.core, turn.session, 1);
  expect(events.some((event) => event.type === 'history_trimmed' && event.form === 'alternating')).toBe(
    false,
  );
});
