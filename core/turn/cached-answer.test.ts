import { describe, expect, it } from 'vitest';
import { readRetention } from '../../config/settings/limits.ts';
import { epochMs } from '../../config/units.ts';
import { around, textOfBytes } from '../../test/support/text.ts';
import type { Content } from '../content.ts';
import type { Core } from '../core.ts';
import type { Model, ModelPart } from '../model.ts';
import type { Store } from '../ports.ts';
import type { Principal } from '../store/items.ts';
import { sessionKey } from '../store/keys.ts';
import { MemoryTable, memoryStore, type StoreCall } from '../testing/memory-store.ts';
import { type TurnInMemory, turnInMemory } from '../testing/turn-in-memory.ts';

const HOUR_MS = 3_600_000;
const BEGAN = 1_800_000_000_000;

/** Asks the same twice, so long after one another. @returns how often the model was called */
async function callsWhenAskedAgainAfter(
  ms: number,
  { answer = 'the answer', settings = {} }: { answer?: string; settings?: Record<string, string> } = {},
): Promise<number> {
  let now = BEGAN;
  let calls = 0;
  const model: Model = {
    provider: 'test',
    name: 'counted',
    fingerprint: 'counted',
    async *stream() {
      calls++;
      yield { type: 'text', text: answer };
      yield { type: 'finish', reason: 'stop', usage: { inputTokens: 1, outputTokens: 1 } };
    },
  };
  const turn = await turnInMemory(model, {
    core: {
      retention: readRetention({ MIDTURN_RETENTION_DAYS: '1' }),
      clock: {
        now: () => epochMs(now),
        sleep: async (duration) => {
          now += duration;
        },
      },
    },
    settings: {
      MIDTURN_RESPONSE_CACHE: 'principal',
      MIDTURN_RESPONSE_CACHE_HOURS: '2',
      MIDTURN_CONTEXT_TOKENS: '0',
      ...settings,
    },
  });
  for (const id of ['m1', 'm2']) {
    await turn.send(id, 'the same question');
    await turn.run();
    now += ms;
  }
  return calls;
}

it('a cached answer is given until its hours are over, also while DynamoDB has not deleted it yet', async () => {
  expect(await callsWhenAskedAgainAfter(HOUR_MS)).toBe(1);
  expect(await callsWhenAskedAgainAfter(2 * HOUR_MS - 1000)).toBe(1);
  expect(await callsWhenAskedAgainAfter(2 * HOUR_MS + 1000)).toBe(2);
});

it('a cached answer lives no longer than the transcript of its turn', async () => {
  const settings = { MIDTURN_RESPONSE_CACHE_HOURS: '48' };
  expect(await callsWhenAskedAgainAfter(24 * HOUR_MS - 1000, { settings })).toBe(1);
  expect(await callsWhenAskedAgainAfter(24 * HOUR_MS + 1000, { settings })).toBe(2);
});

it.each(['x', '€', '😀'])('an answer of more than 300,000 bytes of %s is not cached', async (unit) => {
  const calls: number[] = [];
  for (const bytes of around(300_000))
    calls.push(await callsWhenAskedAgainAfter(1000, { answer: textOfBytes(bytes, unit) }));
  expect(calls).toEqual([1, 1, 2]);
});

describe('an answer from the cache', () => {
  const usage = { inputTokens: 1, outputTokens: 1 };
  const CACHED = { MIDTURN_RESPONSE_CACHE_HOURS: '2', MIDTURN_CONTEXT_TOKENS: '0' };

  /** Answers, and keeps whom it was asked by. */
  function counted(parts: readonly ModelPart[] = [{ type: 'text', text: 'the answer' }]) {
    const asked: string[] = [];
    const model: Model = {
      provider: 'test',
      name: 'counted',
      fingerprint: 'counted',
      async *stream({ messages }) {
        asked.push(messages.map(({ role }) => role).join());
        if (messages.at(-1)?.role === 'user') yield* parts;
        else yield { type: 'text', text: 'after the tool' };
        yield { type: 'finish', reason: 'stop', usage };
      },
    };
    return { model, asked };
  }

  /** A session of that principal, on the same table as the others. */
  async function asks(
    model: Model,
    store: Store,
    principal: Principal,
    scope: 'principal' | 'tenant',
    content: Content = 'the same question',
  ) {
    const turn = await turnInMemory(model, {
      core: { store, newId: () => `${principal.tenant}-${principal.subject}-${++ids}` },
      settings: { MIDTURN_RESPONSE_CACHE: scope, ...CACHED },
    });
    const item = await store.get(sessionKey(turn.session));
    if (!item) throw new Error('no session');
    await store.put(sessionKey(turn.session), { ...item, principal });
    await turn.send(`m${++ids}`, content);
    await turn.run();
    await store.delete(sessionKey(turn.session));
  }
  let ids = 0;
  const watchedBy = (watch: (call: StoreCall) => void) =>
    memoryStore(new MemoryTable(), async (call, run) => {
      watch(call);
      return run();
    });
  const isOfCache = ({ key }: StoreCall) => key.pk.startsWith('CACHE#');

  it.each([
    ['principal', [1, 2, 3, 4, 4]],
    ['tenant', [1, 1, 2, 2, 2]],
  ] as const)(
    'P12: is shared within the %s, and with nobody of another tenant, whatever they are called',
    async (scope, expected) => {
      const { model, asked } = counted();
      const store = memoryStore();
      const calls: number[] = [];
      for (const [tenant, subject] of ['a ann', 'a bob', 'b ann', 'b bob', 'b bob'].map((who) =>
        who.split(' '),
      )) {
        await asks(model, store, { tenant: tenant ?? '', subject: subject ?? '' }, scope);
        calls.push(asked.length);
      }
      expect(calls).toEqual(expected);
    },
  );

  it('is no answer to a message with an image, nor that of a turn that has called tools, named a source, or broken off', async () => {
    const image: Content = [
      { type: 'text', text: 'the same question' },
      { type: 'image', url: 'https://example.org/a.png' },
    ];
    const ann = { tenant: 'a', subject: 'ann' };
    const twice = async (parts?: readonly ModelPart[], content?: Content) => {
      const { model, asked } = counted(parts);
      const store = memoryStore();
      for (let n = 0; n < 2; n++) await asks(model, store, ann, 'principal', content);
      return asked.length;
    };
    const word: ModelPart = { type: 'text', text: 'the answer' };
    expect(await twice()).toBe(1);
    expect(await twice([word], image)).toBe(2);
    expect(await twice([word, { type: 'tool_call', id: 'c', name: 'tool', args: {} }])).toBe(4);
    const source = { kind: 'url', url: 'https://example.org/' } as const;
    expect(await twice([word, { type: 'source', source }])).toBe(2);
    expect(await twice([])).toBe(2);
  });

  it('is not asked for in a later step, after a message that steers, or of a prompt that a worker has begun to answer', async () => {
    let turn: TurnInMemory;
    const { model, asked } = counted();
    const { stream } = model;
    const accesses: string[] = [];
    const store = watchedBy((access) => {
      if (isOfCache(access)) accesses.push(access.operation);
    });
    model.stream = async function* (...args) {
      if (asked.length === 0) await turn.send('m2', 'another word', { delivery: 'now' });
      yield* stream(...args);
    };
    turn = await turnInMemory(model, {
      core: { store },
      settings: { MIDTURN_RESPONSE_CACHE: 'principal', ...CACHED },
    });
    await turn.send('m1', 'the same question');
    await turn.run();
    expect(asked.length).toBe(2);
    expect(accesses).toEqual(['get']);
  });

  it('P1: that cannot be stored is given all the same, and the log says so', async () => {
    const { model, asked } = counted();
    const logged: string[] = [];
    const note = (message: string) => void logged.push(message);
    const log: Core['log'] = { info() {}, warn: note, error: note, with: () => log };
    const store = watchedBy((access) => {
      if (isOfCache(access) && access.operation === 'put') throw new Error('throttled');
    });
    const turn = await turnInMemory(model, {
      core: { store, log },
      settings: { MIDTURN_RESPONSE_CACHE: 'principal', ...CACHED },
    });
    await turn.send('m1', 'the same question');
    expect(await turn.run()).toBe(1);
    expect([asked.length, logged]).toEqual([1, ['answer not cached']]);
  });

  it('P12: is gone with its session: a note of the session names each answer before it is stored', async () => {
    const { model } = counted();
    const puts: string[] = [];
    const store = watchedBy(({ operation, key: { pk, sk } }) => {
      if (operation === 'put' && `${pk} ${sk}`.includes('CACHE#')) puts.push(pk.split('#')[0] ?? '');
    });
    await asks(model, store, { tenant: 'acme', subject: 'ann' }, 'principal');
    await asks(model, store, { tenant: 'acme', subject: 'ann' }, 'principal');
    expect(puts).toEqual(['SESSION', 'CACHE']);
  });
});
