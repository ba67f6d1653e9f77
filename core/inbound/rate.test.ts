import { describe, expect, it } from 'vitest';
import { epochMs, milliseconds } from '../../config/units.ts';
import type { ClientFrame } from '../../protocol/client-frames.ts';
import { asMessageId, asSessionId } from '../ids.ts';
import { messageKey, rateKey, sessionOf } from '../store/keys.ts';
import { memoryCore } from '../testing/memory-core.ts';
import { memoryStore } from '../testing/memory-store.ts';
import { excessOf, excessOfFork, excessOfFrame, replayedTwice, tooMany, weightOf } from './rate.ts';

const ANN = { tenant: 'acme', subject: 'ann' };
const MINUTE = 60_000;

function given({ frames = 2, connections = 1, fails = false } = {}) {
  const warnings: string[] = [];
  const store = memoryStore();
  const time = { now: 5 * MINUTE + 15_000 };
  const log = { info() {}, warn: (text: string) => warnings.push(text), error() {}, with: () => log };
  const core = memoryCore({
    store: fails ? { ...store, update: () => Promise.reject(new Error('throttled')) } : store,
    clock: { now: () => epochMs(time.now), sleep: async () => {} },
    log,
    rates: { framesPerMinute: frames, connectionsPerMinute: connections, dayFileBytes: 0 },
  });
  return { core, store, warnings, time };
}

describe('a rate', () => {
  it('lets as many through as its limit says, and the next ones again when the minute is over', async () => {
    const { core, time } = given();
    expect(await excessOf(core, ANN, 'frames')).toBeUndefined();
    expect(await excessOf(core, ANN, 'frames')).toBeUndefined();
    expect(await excessOf(core, ANN, 'frames')).toEqual({ kind: 'over', limit: 2, retryAfterMs: 45_000 });
    time.now += 44_999;
    expect(await excessOf(core, ANN, 'frames')).toEqual({ kind: 'over', limit: 2, retryAfterMs: 1 });
    time.now += 1;
    expect(await excessOf(core, ANN, 'frames')).toBeUndefined();
  });

  it('counts each principal and each kind by itself', async () => {
    const { core } = given({ frames: 1 });
    for (const principal of [ANN, { ...ANN, subject: 'bob' }, { ...ANN, tenant: 'globex' }]) {
      for (const kind of ['frames', 'aborts', 'connections'] as const) {
        expect(await excessOf(core, principal, kind)).toBeUndefined();
        expect(await excessOf(core, principal, kind)).toMatchObject({ limit: 1 });
      }
    }
  });

  it('that is zero is none, and nothing is written for it', async () => {
    const { core, store } = given({ frames: 0, connections: 0, fails: true });
    expect(await excessOf(core, ANN, 'frames')).toBeUndefined();
    expect(await excessOf(core, ANN, 'connections')).toBeUndefined();
    expect(await store.get(rateKey(ANN, 'frames', 5))).toBeUndefined();
  });

  it('counts a long fork by its entries, and lets one through also where the limit is low', async () => {
    const { core } = given({ frames: 1200 });
    for (let n = 0; n < 100; n++) expect(await excessOfFork(core, ANN, 200)).toBeUndefined();
    expect(await excessOfFork(core, ANN, 3000)).toBeUndefined();
    expect(await excessOf(core, ANN, 'frames', 1200 - 280)).toBeUndefined();
    expect(await excessOf(core, ANN, 'frames')).toMatchObject({ kind: 'over' });
    const { core: low } = given({ frames: 100 });
    expect(await excessOf(low, ANN, 'frames', 20)).toBeUndefined();
    expect(await excessOfFork(low, ANN, 10_000)).toBeUndefined();
    expect(await excessOf(low, ANN, 'frames', 21)).toBeUndefined();
    expect(await excessOfFork(low, ANN, 10_000)).toMatchObject({ kind: 'over' });
  });

  it('of a long fork closes no connection, however far it is beyond the limit', async () => {
    const { core } = given({ frames: 100 });
    expect(await excessOf(core, ANN, 'frames', 280)).toMatchObject({ kind: 'over' });
    // 30 more: at most half of the limit, without the 20 that its frame has counted.
    expect(await excessOfFork(core, ANN, 10_000)).toMatchObject({ kind: 'over', limit: 100 });
    expect(await excessOf(core, ANN, 'frames', 0)).toMatchObject({ kind: 'flood' });
  });

  it('counts what a client sends, whatever it is, and a stop apart from that', async () => {
    const { core, store } = given({ frames: 100 });
    await excessOfFrame(core, ANN, undefined);
    await excessOfFrame(core, ANN, { type: 'history' });
    await excessOfFrame(core, ANN, { type: 'abort' });
    expect((await store.get(rateKey(ANN, 'frames', 5)))?.count).toBe(5);
    expect((await store.get(rateKey(ANN, 'aborts', 5)))?.count).toBe(1);
  });

  it('says what is too much, for how long, and of which frame', () => {
    const excess = { limit: 50, retryAfterMs: milliseconds(7000) };
    const error = { code: 'RATE_LIMITED', retryable: true, limit: 50, retry_after_ms: 7000 };
    const over = tooMany({ kind: 'over', ...excess }, 'm');
    expect(over).toMatchObject({ ...error, id: 'm', message: expect.stringMatching(/^More than 50 frames/) });
    const flood = tooMany({ kind: 'flood', ...excess }, undefined);
    expect(flood).toMatchObject({
      ...error,
      message: expect.stringMatching(/^More than 150 .* is closed\./),
    });
    expect(flood).not.toHaveProperty('id');
    expect(replayedTwice()).toMatchObject({ code: 'RATE_LIMITED', retryable: true, retry_after_ms: 0 });
  });

  it('that cannot be counted lets nothing through, says so, and asks to try again in a second', async () => {
    const { core, warnings } = given({ fails: true });
    for (const kind of ['frames', 'aborts', 'connections'] as const) {
      const excess = await excessOf(core, ANN, kind);
      expect(excess).toMatchObject({ kind: 'uncounted', retryAfterMs: 1000 });
      expect(excess && tooMany(excess, 'm1')).toMatchObject({
        code: 'RATE_LIMITED',
        retryable: true,
        id: 'm1',
        retry_after_ms: 1000,
      });
    }
    expect(warnings).toHaveLength(3);
  });

  it('counts a frame for what it costs', async () => {
    const { core } = given({ frames: 10 });
    const weights = (['message', 'ping', 'history', 'export', 'sessions', 'delete'] as const).map((type) =>
      weightOf({ type } as ClientFrame),
    );
    expect(weights).toEqual([1, 1, 4, 4, 4, 10]);
    expect(weightOf({ type: 'connect' })).toBe(1);
    expect(weightOf({ type: 'connect', resume: { lane: 'l' } })).toBe(1);
    expect(weightOf({ type: 'connect', resume: { after_seq: 0 } })).toBe(10);
    expect(weightOf({ type: 'sessions', query: '' })).toBe(10);
    expect(weightOf({ type: 'fork', session_id: 'a', from: 'b' })).toBe(20);
    for (const type of [
      'abort',
      'cancel',
      'approval_response',
      'tool_output',
      'elicitation_answer',
      'rename',
    ] as const)
      expect(weightOf({ type } as ClientFrame)).toBe(1);
    for (const type of ['revoke', 'upload', 'download'] as const)
      expect(weightOf({ type } as ClientFrame)).toBe(1);
    expect(await excessOf(core, ANN, 'frames', 10)).toBeUndefined();
    expect(await excessOf(core, ANN, 'frames', 1)).toMatchObject({ kind: 'over' });
  });

  it('calls it a flood when it is over three times the limit', async () => {
    const { core } = given({ frames: 2 });
    const kinds = [];
    for (let n = 0; n < 7; n++) kinds.push((await excessOf(core, ANN, 'frames'))?.kind);
    expect(kinds).toEqual([undefined, undefined, 'over', 'over', 'over', 'over', 'flood']);
  });

  it('expires with its minute', async () => {
    const { core, store } = given();
    await excessOf(core, ANN, 'frames');
    expect(await store.get(rateKey(ANN, 'frames', 5))).toEqual({ count: 1, expires: 6 * 60 });
  });
});

describe('keys', () => {
  it('of the longest names and ids that are let in fit into a DynamoDB key: 2048 and 1024 bytes', () => {
    const longest = { tenant: 'ä'.repeat(128), subject: '🙂'.repeat(64) };
    const session = sessionOf(longest, asSessionId('#'.repeat(64)));
    for (const { pk, sk } of [
      messageKey(session, asMessageId('~'.repeat(64))),
      rateKey(longest, 'connections', 99_999_999),
    ]) {
      expect(Buffer.byteLength(pk)).toBeLessThanOrEqual(2048);
      expect(Buffer.byteLength(sk)).toBeLessThanOrEqual(1024);
    }
  });
});
