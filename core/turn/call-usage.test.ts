import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { epochMs } from '../../config/units.ts';
import type { ModelFailure, Usage } from '../model.ts';
import { estimated, isBilled, owedFor, usageIn } from './call-usage.ts';

const ESTIMATE: Usage = { inputTokens: 70, outputTokens: 7 };
const finish = (usage: Usage, cached?: true) =>
  ({ type: 'finish', reason: 'stop', usage, ...(cached && { cached }) }) as const;

describe('what a finished call has used', () => {
  it.each<[string, Usage, true | undefined, boolean]>([
    ['as the provider tells it', { inputTokens: 1, outputTokens: 0 }, undefined, false],
    ['as the provider tells it', { inputTokens: 0, outputTokens: 1 }, undefined, false],
    ['an estimate, where the provider counts nothing', { inputTokens: 0, outputTokens: 0 }, undefined, true],
    ['nothing, where the answer came from the cache', { inputTokens: 0, outputTokens: 0 }, true, false],
  ])('is %s: %o', (_, usage, cached, isEstimate) => {
    expect(usageIn(finish(usage, cached), () => ESTIMATE)).toEqual(isEstimate ? ESTIMATE : usage);
  });
});

it('a call that failed was billed where something of it was seen, or its provider had worked for it', () => {
  const failure = (reason: ModelFailure['reason']): ModelFailure => ({
    code: 'PROVIDER_ERROR',
    reason,
    message: '',
    retryable: true,
    diagnostic: '',
  });
  const billed: Record<ModelFailure['reason'], boolean> = {
    stalled: true,
    cut_off: true,
    unreadable: true,
    empty: true,
    throttled: false,
    rejected: false,
    overlong: false,
    withheld: false,
    unauthorised: false,
    quota: false,
    not_found: false,
    provider: false,
    unreachable: false,
    unknown: false,
  };
  for (const reason of Object.keys(billed) as ModelFailure['reason'][]) {
    expect(isBilled(failure(reason), true)).toBe(true);
    expect([reason, isBilled(failure(reason), false)]).toEqual([reason, billed[reason]]);
  }
});

it('an estimate is a quarter of the bytes that were read and written, rounded up, and no less than the call before read', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 200 });
  fc.assert(
    fc.property(text, text, fc.nat(10_000), fc.nat(500), (asked, said, written, lastInputTokens) => {
      const messages = [
        { role: 'user' as const, content: asked },
        { role: 'assistant' as const, text: said, calls: [] },
      ];
      const usage = estimated({ messages, toolChoice: 'auto' }, written, { lastInputTokens });
      const bytes = Buffer.byteLength(asked) + Buffer.byteLength(said);
      expect(usage).toEqual({
        inputTokens: Math.max(Math.ceil(bytes / 4), lastInputTokens),
        outputTokens: Math.ceil(written / 4),
      });
    }),
  );
});

it('an estimate counts all that a prompt has: images, calls, thoughts, and what tools gave, in bytes', () => {
  const image = { type: 'image', media_type: 'image/png', data: 'A'.repeat(40_000) } as const;
  const opaque = [{ opaque: '€' }];
  const { inputTokens } = estimated(
    {
      messages: [
        { role: 'user', content: [{ type: 'text', text: 'éé' }, image] },
        {
          role: 'assistant',
          text: 'ab',
          calls: [{ id: 'c', name: 'look', args: { n: '€' } }],
          verbatim: { model: 'm', parts: opaque },
          aside: ['éa'],
        },
        {
          role: 'tool',
          results: [
            { id: 'c', name: 'look', output: 'abcd', isError: false },
            { id: 'd', name: 'look', output: { n: '€' }, isError: false },
          ],
        },
      ],
      toolChoice: 'auto',
    },
    0,
    { lastInputTokens: 0 },
  );
  const args = Buffer.byteLength('{"n":"€"}');
  const bytes = 4 + 4000 + 2 + args + Buffer.byteLength(JSON.stringify(opaque)) + 3 + 4 + args;
  expect(inputTokens).toBe(Math.ceil(bytes / 4));
});

it('what a call owes is its tokens and its price in billionths, on the day on which it ends', () => {
  const clock = { now: () => epochMs(Date.UTC(2026, 10, 30, 23, 59, 59, 999)), sleep: async () => {} };
  const usage = { inputTokens: 3, outputTokens: 1 };
  const price = { currency: 'EUR', input: 2, output: 10 };
  expect(owedFor({ clock }, usage, price)).toEqual({ day: '2026-11-30', turns: 0, tokens: 4, nano: 16_000 });
  expect(owedFor({ clock }, usage, undefined)).toEqual({ day: '2026-11-30', turns: 0, tokens: 4, nano: 0 });
});
