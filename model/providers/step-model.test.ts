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
