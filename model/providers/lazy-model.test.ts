import { describe, expect, it } from 'vitest';
import { memoized } from '../../core/memoized.ts';
import type { Model, ModelPart, ModelRequest } from '../../core/model.ts';
import { SecretError } from '../../core/secret-error.ts';
import { lazyModel } from './lazy-model.ts';

const finish: ModelPart = { type: 'finish', reason: 'stop', usage: { inputTokens: 1, outputTokens: 1 } };
const real: Model = {
  provider: 'anthropic',
  name: 'm',
  async *stream() {
    yield { type: 'text', text: 'hello' };
    yield finish;
  },
};
const choice = { provider: 'anthropic', name: 'm' };

async function partsOf(model: Model, signal = new AbortController().signal): Promise<ModelPart[]> {
  const parts: ModelPart[] = [];
  for await (const part of model.stream({ messages: [], toolChoice: 'auto' }, signal)) parts.push(part);
  return parts;
}

describe('a model that is made with its first call', () => {
  it('is named before it is there, and then streams what it streams', async () => {
    const model = lazyModel(choice, async () => real);
    expect(model).toMatchObject({ provider: 'anthropic', name: 'm' });
    expect(await partsOf(model)).toEqual([{ type: 'text', text: 'hello' }, finish]);
  });

  it('fails that call where its key cannot be read, and is made by a later one', async () => {
    let tries = 0;
    const make = memoized(async () => {
      if (++tries === 1) throw new SecretError('The secret team/key cannot be read: AccessDeniedException.');
      return real;
    });
    const model = lazyModel(choice, make);
    expect(await partsOf(model)).toEqual([
      {
        type: 'failure',
        failure: {
          code: 'AUTH_ERROR',
          reason: 'unauthorised',
          message: 'The credentials for the model provider could not be read.',
          retryable: true,
          diagnostic: 'The secret team/key cannot be read: AccessDeniedException.',
        },
      },
    ]);
    expect(await partsOf(model)).toContainEqual(finish);
    expect(tries).toBe(2);
  });

  it('says nothing of why to the person where it cannot be made at all', async () => {
    const model = lazyModel(choice, async () => {
      throw new Error('cannot find package at /var/task');
    });
    const [part] = await partsOf(model);
    expect(part).toMatchObject({
      failure: { code: 'PROVIDER_ERROR', retryable: false, diagnostic: expect.stringContaining('/var/task') },
    });
    expect(part?.type === 'failure' && part.failure.message).not.toContain('/var/task');
  });

  it('prepares steps as the model does, and one that cannot be made fails the call that was prepared', async () => {
    const request: ModelRequest = { messages: [], toolChoice: 'auto' };
    const other = { ...real, name: 'other' };
    const prepares: Model = { ...real, prepareStep: async (asked) => ({ model: other, request: asked }) };
    const made = lazyModel(choice, async () => prepares, { prepares: true });
    expect(await made.prepareStep?.(request, () => request, false)).toEqual({ model: other, request });
    const unmade = lazyModel(choice, async () => Promise.reject(new Error('no')), { prepares: true });
    const step = await unmade.prepareStep?.(request, () => request, false);
    expect(step?.model && (await partsOf(step.model))).toMatchObject([{ type: 'failure' }]);
    expect(lazyModel(choice, async () => real).prepareStep).toBeUndefined();
  });

  it('says what is known of it before it is there, and nothing else', () => {
    const price = { currency: 'USD', input: 1, output: 2 };
    const known = { fingerprint: { temperature: 0 }, alternates: true, price };
    expect(lazyModel(choice, async () => real, known)).toMatchObject(known);
    for (const option of Object.keys(known))
      expect(lazyModel(choice, async () => real)).not.toHaveProperty(option);
  });

  it('is given the life signs and the signal of the call, and prepares it as it is asked', async () => {
    const asked: unknown[] = [];
    const request: ModelRequest = { messages: [], toolChoice: 'auto' };
    const keeping: Model = {
      ...real,
      async *stream(...given) {
        asked.push(given);
        yield finish;
      },
      prepareStep: async (...given) => {
        asked.push(given);
        return { model: real, request };
      },
    };
    const model = lazyModel(choice, async () => keeping, { prepares: true });
    const { signal } = new AbortController();
    const alive = () => {};
    for await (const _ of model.stream(request, signal, alive));
    const requestFor = () => request;
    await model.prepareStep?.(request, requestFor, true);
    expect(asked).toEqual([
      [request, signal, alive],
      [request, requestFor, true],
    ]);
    const plain = lazyModel(choice, async () => real, { prepares: true });
    const step = await plain.prepareStep?.(request, requestFor, true);
    expect([step?.model.name, step?.request]).toEqual(['m', request]);
  });

  it.each([
    [Object.assign(new Error('no key'), { code: 'MODEL_MISSING' }), 'Error: MODEL_MISSING: no key'],
    [new TypeError('no key'), 'TypeError: no key'],
    ['no key', 'string thrown'],
  ])('tells the log what was thrown: %s', async (thrown, diagnostic) => {
    const model = lazyModel(choice, async () => {
      throw thrown;
    });
    expect(await partsOf(model)).toMatchObject([{ failure: { diagnostic } }]);
  });

  it('ends at once when it is aborted while it is made', async () => {
    const stop = new AbortController();
    const model = lazyModel(choice, async () => {
      stop.abort();
      return real;
    });
    expect(await partsOf(model, stop.signal)).toEqual([]);
  });
});
