import { describe, expect, it } from 'vitest';
import { milliseconds } from '../../config/units.ts';
import {
  compactingConversation as given,
  model,
  storedSummaries,
  USAGE,
  untilCut,
} from '../../test/support/compacting-conversation.ts';
import { textOfBytes } from '../../test/support/text.ts';
import type { Model } from '../model.ts';
import { dayOf } from '../session/spend.ts';
import { tenantSpendKeys } from '../store/keys.ts';
import { idleToolbox } from '../testing/turn-in-memory.ts';
import { virtualClock } from '../testing/virtual-clock.ts';
import { compact } from './compaction.ts';

/** How long a summary may take, how long it is, and what is kept of it. */

/** A cut, and a worker that summarises it with as much of everything as a test says. */
async function cut(
  summing: Model,
  { contextTokens = 200, remainingMs = 1_000_000, reserveMs = 1, holders = [] as readonly 'tenant'[] } = {},
) {
  const clock = virtualClock();
  const all = await given({ more: { core: { clock } } });
  await untilCut(all);
  const { core, session } = all.turn;
  const from = (await all.turn.promptFrom()) ?? 0;
  const began = clock.now();
  const context = {
    core,
    agentFor: async () => ({
      model: summing,
      compactor: async () => summing,
      toolbox: idleToolbox,
      budgeting: { holders, of: async () => ({ principal: {}, tenant: {} }) },
    }),
    settings: { contextTokens } as never,
    remainingMs: () => milliseconds(remainingMs),
    reserveMs: milliseconds(reserveMs),
  };
  await compact(context, { session, from });
  return { all, took: clock.now() - began, clock, stored: await storedSummaries(all.turn) };
}

const contentOf = (request: ReturnType<typeof model>['requests'][number] | undefined) => {
  const [message] = request?.messages ?? [];
  return message?.role === 'user' ? String(message.content) : '';
};

describe('a summary', () => {
  it.each([
    [1_000_000, 1, 180_000],
    [180_000, 1, 179_999],
    [10_000, 2000, 8000],
    [1000, 2000, 0],
  ])(
    'has three minutes, or what is left: of %d ms with %d in reserve',
    async (remainingMs, reserveMs, ms) => {
      const silent: Model = {
        provider: 'house',
        name: 'small',
        async *stream(_request, signal) {
          await new Promise((resolve) => {
            if (signal.aborted) resolve(undefined);
            signal.addEventListener('abort', resolve);
          });
          yield* [];
        },
      };
      const { took, clock, stored, all } = await cut(silent, { remainingMs, reserveMs });
      expect([took, clock.sleeping, stored]).toEqual([ms, 0, []]);
      expect(all.counted).toContain('Compactions failed 1');
    },
  );

  it.each(['x', 'é', '€', '😀'])(
    'has as many bytes as tokens of earlier turns fit into a prompt, at most 16,000: of %s',
    async (unit) => {
      for (const [contextTokens, most] of [
        [200, 200],
        [16_000, 16_000],
        [100_000, 16_000],
      ] as const) {
        const { model: summing, requests } = model('small', () => textOfBytes(most + 3, unit));
        const { stored } = await cut(summing, { contextTokens });
        expect(contentOf(requests[0])).toContain(`at most ${most} characters`);
        const bytes = Buffer.byteLength(stored[0]?.text ?? '');
        expect(bytes).toBeLessThanOrEqual(most);
        expect(bytes).toBeGreaterThan(most - 4);
      }
    },
  );

  it('is stored with the entries that it is about, who wrote it, and what that took', async () => {
    const { model: summing } = model('small', () => 'SUMMARY', {
      price: { currency: 'EUR', input: 1, output: 1 },
    });
    const { stored, all } = await cut(summing);
    expect(stored).toMatchObject([
      {
        first: 1,
        to: ((await all.turn.promptFrom()) ?? 0) - 1,
        text: 'SUMMARY',
        provider: 'house',
        model: 'small',
        usage: USAGE,
        cost: 0.00098,
        currency: 'EUR',
      },
    ]);
  });

  it('is counted against the budget of the tenant too, as no turn', async () => {
    const { model: summing } = model('small', () => 'SUMMARY', {
      price: { currency: 'EUR', input: 1, output: 1 },
    });
    const { all } = await cut(summing, { holders: ['tenant'] });
    const { core, session } = all.turn;
    const spent = await core.store.query(...tenantSpendKeys(session, dayOf(core.clock.now())));
    expect(spent).toMatchObject([{ turns: 0, tokens: 980, nano: 980_000 }]);
  });
});

it('a summary that is made of another one expires with that one, and is about all that both are about', async () => {
  let now = virtualClock().now();
  const clock = { now: () => now, sleep: async () => {} };
  const all = await given({ more: { core: { clock } } });
  const from: number[] = [];
  for (let n = 0; n < 2; n++) {
    const before = await all.turn.promptFrom();
    while ((await all.turn.promptFrom()) === before) {
      await all.say();
      now = (now + 3_600_000) as typeof now;
    }
    await all.turn.compact();
    from.push((await all.turn.promptFrom()) ?? 0);
  }
  const [first, second] = await storedSummaries(all.turn);
  expect([first?.to, second?.to]).toEqual(from.map((n) => n - 1));
  expect(second).toMatchObject({ first: 1, text: 'SUMMARY 2', expires: first?.expires });
});
