import { describe, expect, it } from 'vitest';
import { readLimits } from '../config/settings/limits.ts';
import { epochMs, seconds } from '../config/units.ts';
import { asConnectionId, asMessageId } from './ids.ts';
import { errorReply, reply, withdrawalReply } from './replies.ts';
import type { Withdrawal } from './store/items.ts';
import { memoryCore, recordingPorts } from './testing/memory-core.ts';

const ID = asMessageId('m');
const NOW = epochMs(1_800_000_000_000);
const UNTIL = epochMs(NOW + 90_000);
const limits = { ...readLimits({}), sessionTurns: 7, principalTurns: 5, queueTimeoutSeconds: seconds(300) };
const told = (withdrawal: Withdrawal, now = NOW, more: Partial<typeof limits> = {}) =>
  withdrawalReply(ID, withdrawal, {
    limits: { ...limits, ...more },
    clock: { now: () => now, sleep: async () => {} },
  });

describe('P1: what the sender of a withdrawn message is told', () => {
  it.each<[Withdrawal, object, string]>([
    [{ code: 'SESSION_DELETED' }, { retryable: false }, 'deleted'],
    [{ code: 'AGENT_ERROR' }, { retryable: false }, 'not stored'],
    [{ code: 'OPTIONS_INVALID' }, { retryable: false, path: '' }, 'The options cannot'],
    [
      { code: 'OPTIONS_INVALID', path: 'a.b' },
      { retryable: false, path: 'a.b' },
      'The field "a.b" of the options',
    ],
    [{ code: 'AGENT_UNAVAILABLE' }, { retryable: false, path: 'agent' }, '"agent"'],
    [{ code: 'AGENT_FIXED' }, { retryable: false, path: 'agent' }, '"agent"'],
    [{ code: 'SESSION_QUEUE_FULL' }, { retryable: true, limit: 7, depth: 7 }, '7 turn(s)'],
    [{ code: 'SESSION_QUEUE_TIMEOUT' }, { retryable: true, limit: 300 }, 'within 300 s'],
    [{ code: 'TOO_MANY_TURNS' }, { retryable: true, limit: 5, retry_after_ms: 5000 }, 'not stored'],
    [
      { code: 'BUDGET_EXCEEDED', until: UNTIL },
      { retryable: true, until: UNTIL, retry_after_ms: 90_000 },
      '2027-01-15T08:01:30.000Z',
    ],
  ])('by %j is that, and nothing of another reason', (withdrawal, more, text) => {
    expect(told(withdrawal)).toEqual({
      type: 'error',
      code: withdrawal.code,
      id: 'm',
      terminal: false,
      message: expect.stringContaining(text),
      ...more,
    });
  });

  it('by somebody is that it was cancelled', () => {
    expect(told({ code: 'cancelled' })).toEqual({
      type: 'cancelled',
      ids: ['m'],
      reason: expect.any(String),
    });
  });

  it('names no limit where there is none, and no time of the past', () => {
    expect(told({ code: 'TOO_MANY_TURNS' }, NOW, { principalTurns: 0 })).not.toHaveProperty('limit');
    for (const late of [0, 1])
      expect(told({ code: 'BUDGET_EXCEEDED', until: UNTIL }, epochMs(UNTIL + late))).toMatchObject({
        retry_after_ms: 0,
      });
  });
});

it('the same frame may succeed later after these errors, and after no others', () => {
  const mayRetry = (code: Parameters<typeof errorReply>[0]) => errorReply(code, '').retryable;
  expect(
    (
      ['RATE_LIMITED', 'TOKEN_EXPIRED', 'TOO_MANY_CONNECTIONS', 'INTERNAL', 'STEERING_QUEUE_FULL'] as const
    ).every(mayRetry),
  ).toBe(true);
  expect(
    (
      [
        'INVALID_FRAME',
        'MESSAGE_TOO_LARGE',
        'SESSION_NOT_FOUND',
        'NOT_PENDING',
        'FILE_REFUSED',
        'SESSION_EXISTS',
      ] as const
    ).some(mayRetry),
  ).toBe(false);
});

it('a reply is well-formed, and an error is counted by its code', async () => {
  const { gateway, frames } = recordingPorts();
  const counted: [string, string][] = [];
  const core = memoryCore({
    gateway,
    metrics: { count() {}, countBy: (name, value) => counted.push([name, value]), time() {} },
  });
  expect(
    await reply(core, asConnectionId('c'), { type: 'renamed', session_id: 's', name: 'half \ud83d' }),
  ).toBe('sent');
  expect(await reply(core, asConnectionId('c'), errorReply('NOT_PENDING', 'no'))).toBe('sent');
  expect(frames).toMatchObject([{ name: 'half \ufffd' }, { code: 'NOT_PENDING' }]);
  expect(counted).toEqual([['Refused', 'NOT_PENDING']]);
});
