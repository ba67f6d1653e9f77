import { expect, test } from 'vitest';
import { readLimits, readRates, readRetention } from '../../config/settings/limits.ts';
import { readSessionSettings } from '../../config/settings/sessions.ts';
import { readTurnSettings } from '../../config/settings/turns.ts';
import { epochMs, epochSeconds, milliseconds } from '../../config/units.ts';
import type { Core } from '../core.ts';
import { asConnectionId, asMessageId, asSessionId, asTurnId, slotOf } from '../ids.ts';
import type { Model, Toolbox } from '../model.ts';
import { openSession } from '../session/sessions.ts';
import { laneKey } from '../store/keys.ts';
import { accept } from '../store/lane/accept.ts';
import { memoryStore } from '../testing/memory-store.ts';
import type { WorkerContext } from './context.ts';
import { runJob } from './worker.ts';

const ignored = () => {};
const log = { info: ignored, warn: ignored, error: ignored, with: () => log };

/** A core in memory whose clients are gone. */
function givenCore(): Core {
  let ids = 0;
  return {
    store: memoryStore(),
    queues: { sendJob: async () => {}, sendDeadline: async () => {}, sendDeletion: async () => {} },
    gateway: { post: async () => 'gone', disconnect: async () => {} },
    clock: { now: () => epochMs(1000), sleep: async () => {} },
    newId: () => `id-${++ids}`,
    log,
    metrics: { count: ignored, countBy: ignored, time: ignored },
    limits: readLimits({}),
    sessionSettings: readSessionSettings({}),
    rates: readRates({}),
    retention: readRetention({}),
  };
}

test('P1: a turn whose worker dies after each commit is given up, and its model is not called for ever', async () => {
  const core = givenCore();
  const principal = { tenant: 't', subject: 's' };
  const { session, lane } = await openSession(core, {
    principal,
    sessionId: asSessionId('one'),
    connection: asConnectionId('c'),
  });
  const opens = asTurnId('turn');
  const message = { content: 'hello', turn: opens, at: epochMs(0) };
  const acceptance = {
    session,
    id: asMessageId('m'),
    message,
    limits: core.limits,
    now: epochMs(0),
    expires: epochSeconds(9e9),
  };
  await core.store.update(laneKey(session, lane), accept(acceptance));

  let calls = 0;
  const model: Model = {
    provider: 'test',
    name: 'dies',
    async *stream() {
      calls++;
      // Progress, so that the attempts begin anew; then the worker dies.
      yield { type: 'text', text: 'word ' };
      yield { type: 'text', text: 'word ' };
      throw new Error('the worker dies');
    },
  };
  const toolbox: Toolbox = {
    run: async () => ({ output: null, isError: false }),
    needsApproval: async () => false,
    isIdempotent: () => false,
    isAbortable: () => false,
    timeLimitMs: () => milliseconds(1000),
  };
  const context: WorkerContext = {
    core,
    agentFor: async () => ({ model, toolbox }),
    settings: readTurnSettings({ MIDTURN_FLUSH_MS: '0' }),
    remainingMs: () => milliseconds(100_000),
    reserveMs: milliseconds(1),
    maxToolMs: milliseconds(1000),
  };

  let deliveries = 0;
  for (; deliveries < 100; deliveries++) {
    const end = await runJob(context, { session, lane, slot: slotOf(opens) }).catch(() => 'failed');
    if (end === 'over') break;
  }
  expect(deliveries).toBeLessThan(30);
  expect(calls).toBeLessThan(30);
  const after = await core.store.get(laneKey(session, lane));
  expect(after?.turn).toBeUndefined();
  expect(after?.claims).toBeUndefined();
});
