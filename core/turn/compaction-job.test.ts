import { expect, it, test } from 'vitest';
import { epochMs, epochSeconds, milliseconds } from '../../config/units.ts';
import {
  compactingConversation as given,
  model,
  storedSummaries,
  untilCut,
} from '../../test/support/compacting-conversation.ts';
import { storedEntry } from '../events/stored-entry.ts';
import { asMessageId, asTurnId } from '../ids.ts';
import { dayOf } from '../session/spend.ts';
import { entryKey, principalSpendKey, sessionKey } from '../store/keys.ts';
import { recordingPorts } from '../testing/memory-core.ts';
import { MemoryTable, memoryStore } from '../testing/memory-store.ts';
import { idleToolbox, type TurnInMemory } from '../testing/turn-in-memory.ts';
import { compact } from './compaction.ts';

/** Which jobs for summaries are sent, and which ask a model. */

/** A cut, and a worker that is given jobs for its summary. */
async function cut(more: Parameters<typeof given>[0] = {}) {
  const all = await given(more);
  await untilCut(all);
  const { core, session } = all.turn;
  const from = (await all.turn.promptFrom()) ?? 0;
  const summing = model('worker', (n) => `SUMMARY ${n}`);
  const deliver = (about = from) => compact(contextOf(all.turn, summing.model), { session, from: about });
  return { all, core, session, from, deliver, asked: summing.requests };
}

const contextOf = ({ core }: TurnInMemory, summing: ReturnType<typeof model>['model']) => ({
  core,
  agentFor: async () => ({ model: summing, compactor: async () => summing, toolbox: idleToolbox }),
  settings: { contextTokens: 200 } as never,
  remainingMs: () => milliseconds(100_000),
  reserveMs: milliseconds(1),
});

it('a job that is delivered again, when its summary is stored, asks no model', async () => {
  const { all, deliver, asked } = await cut();
  for (let n = 0; n < 3; n++) await deliver();
  expect(asked).toHaveLength(1);
  expect(await storedSummaries(all.turn)).toHaveLength(1);
});

it('a job whose session is deleted asks no model', async () => {
  const { core, session, deliver, asked } = await cut();
  const item = await core.store.get(sessionKey(session));
  if (!item) throw new Error('no session');
  await core.store.put(sessionKey(session), { ...item, deleted: epochMs(1) });
  await deliver();
  await core.store.delete(sessionKey(session));
  await deliver();
  expect(asked).toEqual([]);
});

it('a job about an earlier cut than the last one asks no model: another job is about more', async () => {
  const { all, from, deliver, asked } = await cut();
  while ((await all.turn.promptFrom()) === from) await all.say();
  await deliver(from);
  expect(asked).toEqual([]);
});

it('the answer to the write that counts an attempt is lost, and the attempt is made', async () => {
  const table = new MemoryTable();
  const store = memoryStore(table, async (access, perform) => {
    // The SDK repeats a write whose answer is lost.
    if (access.operation === 'update' && JSON.stringify(access).includes('"compaction"')) perform();
    return perform();
  });
  const { deliver, asked } = await cut({ more: { core: { store } } });
  await deliver();
  expect(asked).toHaveLength(1);
});

it('each attempt is counted, also the second one of a cut', async () => {
  const budgets = { principal: { tokens: 1e9 }, tenant: {} };
  const { all, core, session } = await cut({
    summaries: () => [
      { type: 'finish', reason: 'content_filter', usage: { inputTokens: 7000, outputTokens: 0 } },
    ],
    more: {
      settings: { MIDTURN_CONTEXT_TOKENS: '400' },
      budgeting: { holders: ['principal'], of: async () => budgets },
    },
  });
  const spent = async () =>
    (await core.store.get(principalSpendKey(session, dayOf(core.clock.now()))))?.tokens ?? 0;
  const counted: number[] = [];
  for (let n = 0; n < 3; n++) {
    if (n > 0) await all.say();
    const before = await spent();
    await all.turn.compact();
    counted.push((await spent()) - before);
  }
  expect(counted).toEqual([7000, 7000, 0]);
});

it('a turn asks for no summary whose attempts are used up', async () => {
  const { all } = await cut({ summaries: () => '', more: { settings: { MIDTURN_CONTEXT_TOKENS: '400' } } });
  const jobs: number[] = [];
  for (let n = 0; n < 3; n++) {
    if (n > 0) await all.say();
    jobs.push(await all.turn.compact());
  }
  expect(jobs).toEqual([1, 1, 0]);
});

it('P1: a turn ends as any other one where its summary cannot be asked for, and the log says so', async () => {
  const { queues } = recordingPorts();
  const sendCompaction = () => Promise.reject(new Error('throttled'));
  const all = await given({ more: { core: { queues: { ...queues, sendCompaction } } } });
  for (let n = 0; (await all.turn.promptFrom()) === undefined; n++) {
    await all.turn.send(`m${n}`, '.'.repeat(150));
    expect(await all.turn.run()).toBe(1);
  }
  expect(JSON.stringify(all.logged)).toContain('a summary cannot be asked for');
});

test('a summary is made of no message that the agent’s hook may not have checked', async () => {
  const { all, core, session, from, asked } = await cut();
  // A turn that was stopped before its model was called stands last in what was cut.
  const id = asTurnId('unchecked');
  const of = { turn: id, first: from, expires: epochSeconds(9_999_999_999) };
  await core.store.put(
    entryKey(session, from),
    storedEntry(
      {
        n: from,
        turn: id,
        role: 'user',
        id: asMessageId('unchecked'),
        content: 'UNCHECKED WORDS',
        at: epochMs(1),
        step: 1,
      },
      of,
    ),
  );
  const item = await core.store.get(sessionKey(session));
  if (!item) throw new Error('no session');
  await core.store.put(sessionKey(session), { ...item, promptFrom: from + 1 });
  const summing = model('worker', () => 'SUMMARY');
  const context = contextOf(all.turn, summing.model);
  const hooks = { limitMs: () => milliseconds(1000), beforeTurn: async () => undefined };
  await compact(
    { ...context, agentFor: async () => ({ ...(await context.agentFor()), hooks }) },
    { session, from: from + 1 },
  );
  expect(asked).toEqual([]);
  expect(summing.requests).toHaveLength(1);
  expect(JSON.stringify(summing.requests)).not.toContain('UNCHECKED');
});

it('a turn asks once for the summary of its cut, however many model calls it makes', async () => {
  const all = await given({
    answers: (n) =>
      n % 2 > 0
        ? [
            { type: 'tool_call', id: `c${n}`, name: 'look', args: {} },
            { type: 'finish', reason: 'tool_calls', usage: { inputTokens: 1, outputTokens: 1 } },
          ]
        : `answer ${n}`,
  });
  await untilCut(all);
  expect(all.prompts().length % 2).toBe(0);
  expect(await all.turn.compact()).toBe(1);
});
