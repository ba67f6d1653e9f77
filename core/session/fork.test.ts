import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { epochMs } from '../../config/units.ts';
import { MAX_FORK_ENTRIES } from '../../protocol/limits.ts';
import { cases } from '../../test/support/sample.ts';
import type { Core } from '../core.ts';
import { asConnectionId, asSessionId, asSessionKey } from '../ids.ts';
import { handleFrame } from '../inbound/dispatch.ts';
import { continueFork } from '../inbound/fork.ts';
import type { ForkJob } from '../ports.ts';
import type { Session } from '../store/items.ts';
import { entryKey, sessionKey, sessionOf } from '../store/keys.ts';
import { type ClientInMemory, clientInMemory } from '../testing/client-in-memory.ts';
import { recordingPorts } from '../testing/memory-core.ts';
import { isWrite, MemoryTable, memoryStore } from '../testing/memory-store.ts';
import { mortal } from '../testing/mortal.ts';
import { carryOutDeletion } from './deletion.ts';
import { nextName } from './fork-facts.ts';

const PRINCIPAL = { tenant: 't', subject: 's' };
const keyOf = (id: string) => sessionOf(PRINCIPAL, asSessionId(id));
const SOURCE = keyOf('one');

/** A conversation of some turns, whose functions can die at any write. */
async function given(turns: number) {
  const table = new MemoryTable();
  const forks: ForkJob[] = [];
  const deletions: Parameters<Core['queues']['sendDeletion']>[0][] = [];
  const { beforeWrite, dyingAfter } = mortal();
  const store = memoryStore(table, async (call, run) => {
    if (isWrite(call)) beforeWrite();
    return run();
  });
  const client = await clientInMemory({ core: { store } });
  client.core.queues.sendFork = async (job) => void forks.push(job);
  client.core.queues.sendDeletion = async (deletion) => void deletions.push(deletion);
  for (let n = 1; n <= turns; n++) {
    await client.send({ type: 'message', id: `m${n}`, content: `message ${n}` });
    await client.run();
  }
  return {
    client,
    table,
    forks,
    deletions,
    dyingAfter,
    stored: (session: string) => table.get(sessionKey(keyOf(session))) as Session | undefined,
    entries: (session: string) =>
      table.query(entryKey(keyOf(session), 1), entryKey(keyOf(session), Number.MAX_SAFE_INTEGER)),
    partsOf: (session: string) =>
      [...table.all()].filter(({ pk, sk }) => pk === `SESSION#${keyOf(session)}` && sk !== '-'),
  };
}

const fork = (session_id: string, cut: object = {}) => ({ type: 'fork', session_id, from: 'one', ...cut });
const listed = async (client: ClientInMemory) => {
  const [page = {}] = await client.send({ type: 'sessions' });
  return (page.sessions as { session_id: string }[]).map(({ session_id }) => session_id);
};

describe('a fork', () => {
  it('has the entries before its cut as they are stored, and nothing of what follows in the other session', async () => {
    const { client, entries, stored } = await given(3);
    const before = entries('one');
    expect(await client.send(fork('two', { before: 'm2' }))).toEqual([
      { type: 'forked', session_id: 'two', forked_from: { session_id: 'one', before: 4 }, message_count: 3 },
    ]);
    await client.send({ type: 'message', id: 'm4', content: 'later' });
    await client.run();
    expect(entries('two')).toEqual(before.slice(0, 3));
    expect(stored('two')).toMatchObject({ entry: 3, forkedFrom: { sessionId: 'one', before: 4 } });
  });

  it('is cut before a message of a user alone, by its number or its id; without a cut it has all that has ended', async () => {
    const { client } = await given(2);
    const answers = async (cut: object, id: string) =>
      (await client.send(fork(id, cut))).map(
        ({ type, code, message_count }) => code ?? `${type} ${message_count}`,
      );
    expect(await answers({ before: 4 }, 'a')).toEqual(['forked 3']);
    expect(await answers({ before: 1 }, 'b')).toEqual(['forked 0']);
    expect(await answers({}, 'c')).toEqual(['forked 6']);
    for (const cut of [{ before: 2 }, { before: 7 }, { before: 'none' }, { before: 1e15 }])
      expect(await answers(cut, 'd')).toEqual(['ENTRY_NOT_FOUND']);
    for (const cut of [{ before: 0 }, { before: '' }])
      expect(await answers(cut, 'd')).toEqual(['INVALID_FRAME']);
    expect(await listed(client)).toEqual(expect.not.arrayContaining(['d']));
  });

  it('P10: is the same when it is asked for again; its id is not that of another session', async () => {
    const { client, entries } = await given(2);
    const [first] = await client.send(fork('two', { before: 4 }));
    await client.send({ type: 'message', id: 'm3', content: 'later' });
    await client.run();
    expect(await client.send(fork('two'))).toEqual([first]);
    expect(entries('two')).toHaveLength(3);
    for (const frame of [fork('one'), { ...fork('two'), from: 'other' }])
      expect(await client.send(frame)).toMatchObject([
        { code: 'SESSION_EXISTS', session_id: frame.session_id },
      ]);
    expect(await client.send({ ...fork('new'), from: 'none' })).toMatchObject([
      { code: 'SESSION_NOT_FOUND', session_id: 'new' },
    ]);
  });

  it('of too many entries is refused, and nothing is written', async () => {
    const { client, table } = await given(1);
    const item = table.get(sessionKey(SOURCE)) as Session;
    table.put(sessionKey(SOURCE), { ...item, entry: MAX_FORK_ENTRIES + 1 });
    expect(await client.send(fork('two'))).toMatchObject([
      { code: 'FORK_TOO_LARGE', limit: MAX_FORK_ENTRIES, session_id: 'two' },
    ]);
    expect(table.get(sessionKey(keyOf('two')))).toBeUndefined();
  });

  it('over the limit of frames, to which its entries count, is refused, and nothing is written; a repeat of one that is made is not', async () => {
    const { client, table, entries } = await given(1);
    const countedFor = PRINCIPAL;
    const send = async (frame: object) => {
      const from = client.frames.length;
      const body = JSON.stringify(frame);
      const at = { connectionId: asConnectionId('c'), receivedAt: client.core.clock.now(), countedFor };
      await handleFrame(client.core, { ...at, body });
      return client.frames.slice(from);
    };
    const item = table.get(sessionKey(SOURCE)) as Session;
    table.put(sessionKey(SOURCE), { ...item, entry: MAX_FORK_ENTRIES });
    // Of 1,200 a minute each is the half.
    const made = await send(fork('two'));
    expect(made).toMatchObject([{ type: 'forked', session_id: 'two' }]);
    expect(await send(fork('three'))).toMatchObject([{ type: 'forked' }]);
    expect(await send(fork('four'))).toMatchObject([{ code: 'RATE_LIMITED', retryable: true }]);
    expect(table.get(sessionKey(keyOf('four')))).toBeUndefined();
    expect(entries('four')).toEqual([]);
    client.setNow(client.core.clock.now() + 60_000);
    expect(await send(fork('four'))).toMatchObject([{ type: 'forked' }]);
    expect(await send(fork('four'))).toMatchObject([{ type: 'forked' }]);
    expect(await send(fork('four'))).toMatchObject([{ type: 'forked' }]);
  });

  it('has a name of its own, unless it is given one', () => {
    expect([nextName('Soup'), nextName('Soup (2)'), nextName('Soup (9)'), nextName('x'.repeat(200))]).toEqual(
      ['Soup (2)', 'Soup (3)', 'Soup (10)', `${'x'.repeat(196)} (2)`],
    );
  });

  it('keeps what is known of prompts as far as it is about its own entries, and trusts nothing', async () => {
    const { client, table, stored } = await given(3);
    const item = table.get(sessionKey(SOURCE)) as Session;
    table.put(sessionKey(SOURCE), {
      ...item,
      agent: 'sales',
      name: 'Soup',
      trusted: ['pay'],
      promptFrom: 4,
      compactedTo: 3,
      promptShapes: [
        {
          model: 'a:b',
          imagesTo: 9,
          without: [
            { first: 1, last: 1 },
            { first: 6, last: 8 },
          ],
          bareSince: 8,
        },
      ],
    });
    await client.send(fork('after', { before: 7 }));
    await client.send(fork('within', { before: 1 }));
    const kept = ({
      agent,
      name,
      trusted,
      promptFrom,
      compactedTo,
      promptShapes,
    }: Partial<Session> = {}) => ({
      agent,
      name,
      trusted,
      promptFrom,
      compactedTo,
      promptShapes,
    });
    expect(kept(stored('after'))).toEqual({
      agent: 'sales',
      name: 'Soup (2)',
      trusted: undefined,
      promptFrom: 4,
      compactedTo: 3,
      promptShapes: [{ model: 'a:b', imagesTo: 6, without: [{ first: 1, last: 1 }] }],
    });
    expect(kept(stored('within'))).toMatchObject({ promptFrom: undefined, compactedTo: undefined });
  });
});

describe('a function that dies while it forks', () => {
  it('at any of its writes shows nobody half a fork, and whoever goes on makes the same fork', async () => {
    for (let writes = 0; ; writes++) {
      const { client, dyingAfter, entries, stored, forks } = await given(2);
      const died = await dyingAfter(writes, () => client.send(fork('two', { before: 4 })));
      if (!died) {
        // It had written something in each of the runs before.
        expect(writes).toBeGreaterThan(5);
        return;
      }
      if (writes > 0 && stored('two')?.copying) {
        expect(await listed(client)).toEqual(['one']);
        expect(await client.send({ type: 'export', session_id: 'two' })).toMatchObject([
          { code: 'SESSION_NOT_FOUND' },
        ]);
      }
      // Either the client asks again, or the queue gives the job that was sent before the first copy.
      const [job] = forks;
      if (writes % 2 === 1 && job) await continueFork(client.core, job);
      else await client.send(fork('two', { before: 4 }));
      expect(entries('two')).toEqual(entries('one').slice(0, 3));
      expect(stored('two')).toMatchObject({ queue: {}, audience: {}, entry: 3 });
      expect(stored('two')).not.toHaveProperty('copying');
      expect(await listed(client)).toEqual(['two', 'one']);
    }
  });

  it('leaves a fork of a session that was deleted meanwhile to be removed, at whichever write', async () => {
    for (let writes = 1; ; writes++) {
      const { client, dyingAfter, stored, forks, deletions, partsOf } = await given(2);
      if (!(await dyingAfter(writes, () => client.send(fork('two', { before: 4 }))))) return;
      await client.send({ type: 'delete', session_id: 'one' });
      await dyingAfter(writes % 2, () => continueFork(client.core, forks[0] as ForkJob));
      await continueFork(client.core, forks[0] as ForkJob);
      expect(stored('two')?.deleted).toBeDefined();
      for (const deletion of [...deletions]) await carryOutDeletion(client.core, deletion);
      expect(partsOf('two')).toEqual([]);
    }
  });

  it('does not remove a fork that another function has completed before the deletion', async () => {
    const { client, dyingAfter, stored, forks, entries } = await given(2);
    await dyingAfter(2, () => client.send(fork('two')));
    await client.send(fork('two'));
    const whole = entries('two');
    await client.send({ type: 'delete', session_id: 'one' });
    await continueFork(client.core, forks[0] as ForkJob);
    expect(stored('two')?.deleted).toBeUndefined();
    expect(entries('two')).toEqual(whole);
  });
});

it('a long transcript is copied by several functions, of which the last one answers', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 120 }), async (n) => {
      const { client, table, forks, entries } = await given(1);
      const [said] = entries('one') as { n: number }[];
      for (let i = 4; i < 4 + n; i++)
        table.put(entryKey(SOURCE, i), { ...said, n: i, turn: `t${i}`, first: i } as never);
      const item = table.get(sessionKey(SOURCE)) as Session;
      table.put(sessionKey(SOURCE), { ...item, entry: 3 + n });
      // Each function has time for one batch: time passes with every look at it.
      let now = 1_800_000_000_000;
      client.core.clock.now = () => {
        now += 2500;
        return epochMs(now);
      };
      await client.send(fork('two'));
      const answers = () => client.frames.filter(({ type }) => type === 'forked');
      for (let i = 0; answers().length === 0 && i < forks.length; i++)
        await continueFork(client.core, forks[i] as ForkJob);
      expect(entries('two')).toEqual(entries('one'));
      expect(answers()).toMatchObject([{ message_count: 3 + n }]);
    }),
    { numRuns: cases(50) },
  );
});

it('P12: a session of another principal is not there to be forked, and nothing of it is read', async () => {
  const reads: string[] = [];
  const table = new MemoryTable();
  const store = memoryStore(table, async (call, run) => {
    reads.push(call.key.pk);
    return run();
  });
  const { core, send } = await clientInMemory({ core: { store, ...recordingPorts() } });
  const other = asSessionKey('t#other#secret');
  table.put(sessionKey(other), { ...(table.get(sessionKey(SOURCE)) as Session), entry: 3 });
  reads.length = 0;
  await send({ type: 'fork', session_id: 'new', from: 'secret' });
  await continueFork(core, { session: keyOf('new'), connection: asConnectionId('c') });
  expect(reads.filter((pk) => pk.includes('other'))).toEqual([]);
  expect(table.get(sessionKey(keyOf('new')))).toBeUndefined();
});
