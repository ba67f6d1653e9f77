import type { LanguageModel } from 'ai';
import { MockLanguageModelV4 } from 'ai/test';
import { expect, test } from 'vitest';
import type { ModelRequest } from '../../core/model.ts';
import { type SdkCaller, stepPreparation } from './step-model.ts';

const request: ModelRequest = { messages: [{ role: 'user', content: 'hello' }], toolChoice: 'auto' };

const callerOf = (languageModel: LanguageModel, name: string, named: LanguageModel): SdkCaller => ({
  options: {
    provider: 'test',
    name,
    languageModel,
    agent: { instructions: '', prepareStep: () => ({ model: named }) },
  },
  promptOf: async () => [],
  async *stream() {
    yield { type: 'finish', reason: 'stop', usage: { inputTokens: 1, outputTokens: 1 } };
  },
});

test.each<[string, LanguageModel]>([
  ['an object', new MockLanguageModelV4()],
  ['a name', 'test/other'],
])(
  'P1: a model that `prepareStep` names by %s and that could not be made is made by the next step, once',
  async (_how, named) => {
    let tries = 0;
    const first = callerOf(new MockLanguageModelV4(), 'first', named);
    const prepare = stepPreparation(first, async (model) => {
      if (++tries === 1) throw new Error('the network is down');
      return callerOf(model, 'other', model);
    });
    await expect(prepare(request, () => request, false)).rejects.toThrow('the network is down');
    expect((await prepare(request, () => request, false)).model.name).toBe('other');
    expect((await prepare(request, () => request, false)).model.name).toBe('other');
    expect(tries).toBe(2);
  },
);

test('P11: a step is asked of the model that is named, with the prompt for that model, unless a fallback is under way', async () => {
  const languageModel = new MockLanguageModelV4();
  const own: ModelRequest = { ...request, messages: [] };
  const prepare = (named: LanguageModel) =>
    stepPreparation(callerOf(languageModel, 'first', named), async (model) =>
      callerOf(model, 'other', model),
    );
  const asked: unknown[] = [];
  const requestFor = (names: unknown) => {
    asked.push(names);
    return own;
  };
  const other = await prepare('test/other')(request, requestFor, false);
  expect([other.model.name, other.request]).toEqual(['other', own]);
  expect(asked).toEqual([{ provider: 'test', name: 'other' }]);
  for (const [named, keepsModel] of [
    ['test/other', true],
    [languageModel, false],
  ] as const) {
    const first = await prepare(named)(request, requestFor, keepsModel);
    expect([first.model.name, first.request]).toEqual(['first', request]);
  }
  expect(asked).toHaveLength(1);
});
