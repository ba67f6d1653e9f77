import { describe, expect, it } from 'vitest';
import { epochMs, epochSeconds, expiresAfter, seconds } from '../../config/units.ts';
import { encodeEvents, type TurnEvent } from '../events/events.ts';
import { objectKey } from '../files/object-key.ts';
import { asConnectionId, asFileId, asMessageId, asTurnId } from '../ids.ts';
import type { Model } from '../model.ts';
import type { BusEvent, Deletion } from '../ports.ts';
import type { Session } from '../store/items.ts';
import {
  cachedAnswerKey,
  cacheNoteKey,
  entryKey,
  fileKey,
  listingKey,
  messageKey,
  sessionKey,
} from '../store/keys.ts';
import { listening } from '../store/listening.ts';
import { memoryFiles } from '../testing/memory-files.ts';
import { memoryStore } from '../testing/memory-store.ts';
import { leased, RUNNING, sessionInMemory } from '../testing/session-in-memory.ts';
import { turnInMemory } from '../testing/turn-in-memory.ts';
import { carryOutDeletion, deleteSession, requestDeletion } from './deletion.ts';

const MINUTE = 60_000;
const expires = epochSeconds(2_000_000_000);

const silent: Model = {
  provider: 'test',
  name: 'silent',
  async *stream() {
    yield { type: 'finish', reason: 'stop', usage: { inputTokens: 1, outputTokens: 1 } };
  },
};

it('retention: an answer that a slow function caches after the deletion of its session is removed in the end', async () => {
  const begin = epochMs(1_800_000_000_000);
  let now = begin;
  const store = memoryStore();
  const { core, session } = await turnInMemory(silent, {
    core: { store, clock: { now: () => now, sleep: async () => {} } },
  });
  const answer = cachedAnswerKey('digest');
  const note = cacheNoteKey(session, answer);
  await store.putIfAbsent(note, { expires });
  const deletion = { session, at: begin, until: epochMs(begin + 20 * MINUTE) };
  await carryOutDeletion(core, deletion);
  // The function had begun before, and puts the answer after its note.
  await store.putIfAbsent(answer, { text: 'said in the session', expires });
  now = deletion.until;
  await carryOutDeletion(core, deletion);
  expect(await store.get(answer)).toBeUndefined();
  expect(await store.get(note)).toBeUndefined();
});

/** A session with a turn that runs, a message that steers it, one that waits on another lane, and two devices. */
function given({
  session = {},
  busFails = () => false,
  before = () => {},
}: {
  session?: Partial<Session>;
  busFails?: () => boolean;
  before?: Parameters<typeof sessionInMemory>[0]['before'] & {};
} = {}) {
  const sent: [Deletion, number][] = [];
  const told: BusEvent[] = [];
  const turns: string[] = [];
  const times: [string, number][] = [];
  const warnings: string[] = [];
  const files = memoryFiles();
  const live = listening({ join: 1, seq: 0, isLive: true });
  const said = (turn: string) => ({ content: 'hello', turn: asTurnId(turn), at: epochMs(1) });
  const events: TurnEvent[] = [
    { type: 'turn_start', seq: 1, turn: RUNNING, message_ids: [], entry: 1, at: epochMs(1) },
    {
      type: 'applied',
      seq: 2,
      turn: RUNNING,
      messages: [{ id: asMessageId('m'), content: 'hello', at: epochMs(1) }],
      step: 1,
    },
    { type: 'chunk', seq: 3, turn: RUNNING, content: 'half an ', offset: 0 },
    { type: 'chunk', seq: 4, turn: RUNNING, content: 'answer', offset: 8 },
  ];
  const all = sessionInMemory({
    lanes: {
      mine: {
        ...leased,
        seq: 4,
        unspilled: encodeEvents(events),
        inbox: { [asMessageId('steers')]: said('x') },
        bytes: 5,
        // Its session has not been told of this one.
        audience: { [asConnectionId('c-late')]: live },
      },
      other: {
        turn: asTurnId('w'),
        slot: asTurnId('w') as never,
        inbox: { [asMessageId('waits')]: said('w') },
        bytes: 5,
      },
    },
    session: {
      name: 'Secret name',
      seq: 0,
      audience: { [asConnectionId('c-mine')]: live, [asConnectionId('c-other')]: live },
      ...session,
    },
    core: { files },
    before: (call) => before(call),
  });
  Object.assign(all.core, {
    bus: {
      async put(events: readonly BusEvent[]) {
        if (busFails()) throw new Error('throttled');
        told.push(...events);
      },
    },
    queues: { ...all.core.queues, sendDeletion: async (...to: [Deletion, number]) => void sent.push(to) },
    metrics: {
      count() {},
      countBy: (name: string, value: string) => void (name === 'Turns' && turns.push(value)),
      time: (name: string, ms: number) => void times.push([name, ms]),
    },
    log: { ...all.core.log, warn: (message: string) => void warnings.push(message) },
  });
  return {
    ...all,
    sent,
    busTold: told,
    turns,
    times,
    warnings,
    files,
    item: () => all.table.get(sessionKey(all.session)),
  };
}
const MINE = asConnectionId('c-mine');

describe('the deletion of a session', () => {
  it('P1, P3: ends the turn that runs with its text, tells each sender of each message, and each client but the one that asked', async () => {
    const { core, session, told, posted, item, sent, turns, times, lane } = given();
    const at = core.clock.now();
    expect(await deleteSession(core, session, MINE)).toBe(true);
    const end = {
      type: 'error',
      code: 'SESSION_DELETED',
      seq: 5,
      turn_id: RUNNING,
      full_response: 'half an answer',
    };
    for (const device of ['mine', 'other', 'late'])
      expect(told(device).filter(({ terminal }) => terminal)).toMatchObject([end]);
    const deleted = posted.filter(([, { code, terminal }]) => code === 'SESSION_DELETED' && !terminal);
    expect(deleted.map(([to, { id }]) => [to, id])).toEqual([
      ['c-mine', 'steers'],
      ['c-other', 'waits'],
      ['c-other', undefined],
    ]);
    expect([lane('mine'), lane('other')]).toEqual([undefined, undefined]);
    expect(item()).toMatchObject({ deleted: at, queue: {}, expires: expiresAfter(at, seconds(24 * 3600)) });
    expect(item()).not.toHaveProperty('name');
    expect(item()).not.toHaveProperty('active');
    expect([turns, times]).toEqual([['error'], [['TurnTime', 10_000]]]);
    // At once, and again when no function that had begun before can still run.
    expect(sent).toEqual([
      [{ session, at, until: at + 20 * MINUTE }, 900],
      [{ session, at, until: at }, 0],
    ]);
  });

  it('is asked for before anything is changed, so that another function completes it', async () => {
    const { core, session, sent, item } = given({
      before: ({ operation }) => {
        if (operation === 'update') throw new Error('throttled');
      },
    });
    await expect(deleteSession(core, session)).rejects.toThrow('throttled');
    expect([sent.length, item()?.deleted]).toEqual([1, undefined]);
    sent.length = 0;
    await requestDeletion(core, session);
    const at = core.clock.now();
    expect(sent).toEqual([[{ session, at, until: at + 20 * MINUTE }, 0]]);
  });

  it('of what is not there does nothing; a session that was made after the request stays', async () => {
    const { core, session, sent, item } = given();
    expect(
      await deleteSession(core, sessionInMemory({ lanes: {} }).session.replace('ann', 'bob') as never),
    ).toBe(false);
    const created = Number(item()?.created);
    await carryOutDeletion(core, { session, at: epochMs(created - 1), until: epochMs(created - 1) });
    expect([item()?.deleted, sent]).toEqual([undefined, []]);
    await carryOutDeletion(core, { session, at: epochMs(created), until: epochMs(created) });
    expect(item()?.deleted).toBe(created);
  });

  it.each(['putIfAbsent', 'query'])(
    'goes on where nobody can be told, since `%s` fails: a client is told by its next frame',
    async (fails) => {
      const { core, session, item, warnings, lane } = given({
        before: ({ operation, key }) => {
          if (
            operation === fails &&
            /^(MESSAGE|EVENTS)#/.test(key.sk) &&
            item()?.deleted !== undefined &&
            lane('mine')?.turn === undefined
          )
            throw new Error('throttled');
        },
      });
      expect(await deleteSession(core, session, MINE)).toBe(true);
      expect([lane('mine'), lane('other')]).toEqual([undefined, undefined]);
      if (fails === 'putIfAbsent')
        expect(new Set(warnings)).toEqual(new Set(['not told that a session was deleted']));
    },
  );
});

describe('what a deleted session leaves', () => {
  const fill = async (all: ReturnType<typeof given>, entries: number) => {
    const { table, session, files } = all;
    for (let n = 1; n <= entries; n++)
      table.put(entryKey(session, n), { n, turn: RUNNING, role: 'assistant', content: '', expires });
    const file = asFileId('f'.repeat(22));
    table.put(fileKey(session, file), { type: 'image/png', size: 1, until: epochMs(1), expires });
    await files.put(objectKey(session, file), new Uint8Array(1), 'image/png');
    const answer = cachedAnswerKey('digest');
    table.put(answer, { text: 'said', expires });
    table.put(cacheNoteKey(session, answer), { expires });
    const item = all.item();
    if (item) table.put(listingKey(item.principal, item), { ...item });
    return {
      file: objectKey(session, file),
      left: () => [...table.all()].map(({ sk }) => sk).filter((sk) => sk !== '-'),
    };
  };

  it('is removed at once, what leads out of it with its notes in the end, and the list does not have it', async () => {
    const all = given();
    const { core, session, sent, files } = all;
    const { left, file } = await fill(all, 3);
    const at = core.clock.now();
    const last = epochMs(at + 20 * MINUTE);
    await carryOutDeletion(core, { session, at, until: last });
    expect(
      left()
        .map((sk) => sk.split('#')[0])
        .toSorted(),
    ).toEqual(['CACHE', 'FILE']);
    expect(await core.store.get(cachedAnswerKey('digest'))).toBeUndefined();
    expect(files.objects.has(file)).toBe(false);
    // As late as SQS can.
    expect(sent).toEqual([[{ session, at, until: last }, 900]]);
    // Whoever was allowed to has put something meanwhile.
    await files.put(file, new Uint8Array(1), 'image/png');
    all.wait(20 * MINUTE - 1000);
    await carryOutDeletion(core, { session, at, until: last });
    expect(sent[1]).toEqual([{ session, at, until: last }, 1]);
    await files.put(file, new Uint8Array(1), 'image/png');
    all.wait(1000);
    await carryOutDeletion(core, { session, at, until: last });
    expect([left(), files.objects.size, sent.length]).toEqual([[], 0, 2]);
    expect(all.item()?.deleted).toBe(at);
  });

  it.each([1999, 2000, 2001])(
    'is removed by several functions where it is much: %i entries',
    async (entries) => {
      const all = given();
      const { core, session, sent, table } = all;
      await deleteSession(core, session);
      sent.length = 0;
      for (let n = 1; n <= entries; n++)
        table.put(messageKey(session, asMessageId(`m${n}`)), {
          outcome: 'taken',
          turn: RUNNING,
          placement: 'turn',
          expires,
        });
      const { left } = await fill(all, 0);
      const at = Number(all.item()?.deleted);
      const deletion = { session, at: epochMs(at), until: epochMs(at) };
      await carryOutDeletion(core, deletion);
      while (sent.length > 0) {
        expect(sent.splice(0)).toEqual([[deletion, 0]]);
        await carryOutDeletion(core, deletion);
      }
      expect(
        left()
          .map((sk) => sk.split('#')[0])
          .toSorted(),
      ).toEqual(['CACHE', 'FILE']);
    },
  );

  it('that is all kept to the end is not looked at again and again', async () => {
    const all = given();
    const { core, session, sent, table } = all;
    await deleteSession(core, session);
    sent.length = 0;
    for (let n = 0; n < 2100; n++) table.put(cacheNoteKey(session, cachedAnswerKey(`d${n}`)), { expires });
    for (const { pk, sk } of [...table.all()]) if (sk.startsWith('MESSAGE#')) table.delete({ pk, sk });
    const at = epochMs(Number(all.item()?.deleted));
    await carryOutDeletion(core, { session, at, until: at });
    expect(sent).toEqual([]);
  });
});

describe('the event bus', () => {
  it('is told of a deletion once, though the function that should have told it died or was throttled', async () => {
    let isDown = true;
    const all = given({ busFails: () => isDown });
    const { core, session, busTold } = all;
    const at = core.clock.now();
    const deletion = { session, at, until: epochMs(at + MINUTE) };
    await carryOutDeletion(core, deletion);
    expect([busTold, all.item()?.told]).toEqual([[], undefined]);
    isDown = false;
    for (let n = 0; n < 3; n++) await carryOutDeletion(core, deletion);
    const ofSession = { tenant: 'acme', subject: 'ann', session_id: 's' };
    expect(busTold).toEqual([
      {
        type: 'Session Deleted',
        at,
        detail: { id: expect.any(String), ...ofSession, deleted_at: new Date(at).toISOString() },
      },
    ]);
  });

  it('is told of the turn that ended with it, and nothing of half a fork, of which nobody knows', async () => {
    const { core, session, busTold } = given();
    await deleteSession(core, session);
    expect(busTold).toMatchObject([
      {
        type: 'Turn Ended',
        detail: { status: 'error', code: 'SESSION_DELETED', messages: 1, steps: 0, duration_ms: 10_000 },
      },
    ]);
    const half = given({ session: { copying: { created: epochMs(1), to: 0 } } });
    const at = half.core.clock.now();
    await carryOutDeletion(half.core, { session, at, until: at });
    expect(half.busTold.filter(({ type }) => type === 'Session Deleted')).toEqual([]);
  });
});
