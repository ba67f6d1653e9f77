import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { epochMs, epochSeconds } from '../../config/units.ts';
import { cases } from '../../test/support/sample.ts';
import { anyText } from '../../test/support/text.ts';
import { asSessionId } from '../ids.ts';
import type { Session } from '../store/items.ts';
import { listingKey, sessionKey, sessionOf } from '../store/keys.ts';
import { memoryCore } from '../testing/memory-core.ts';
import { isWrite, MemoryTable, memoryStore } from '../testing/memory-store.ts';
import { keepListed, listSessions } from './session-list.ts';

const ANN = { tenant: 'acme', subject: 'ann' };
const DAY_MS = 86_400_000;

const session = (i: number, name?: string): Session => ({
  principal: ANN,
  sessionId: asSessionId(`s${i}`),
  created: epochMs(i),
  ...(name !== undefined && { name }),
  queue: {},
  seq: 0,
  entry: 0,
  audience: {},
  expires: epochSeconds(1000),
});

describe('the list of sessions', () => {
  it('P12: its pages together name every session once, newest first, and each fits, whatever the names', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyText({ minLength: 1, maxLength: 60 }), { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 200, max: 1500 }),
        async (names, limit, bytes) => {
          const core = memoryCore();
          for (const [i, name] of names.entries()) {
            const item = session(i, name);
            await core.store.put(sessionKey(sessionOf(ANN, item.sessionId)), item);
            await keepListed(core, item);
          }
          const listed: (string | undefined)[] = [];
          let after: string | undefined;
          do {
            const { sessions, next } = await listSessions(core, ANN, { after, limit, bytes });
            expect(sessions.length).toBeGreaterThan(0);
            expect(sessions.length).toBeLessThanOrEqual(limit);
            const size = sessions.reduce((sum, one) => sum + Buffer.byteLength(JSON.stringify(one)) + 1, 0);
            // A single one is sent, however long its name is.
            if (sessions.length > 1) expect(size).toBeLessThanOrEqual(bytes);
            listed.push(...sessions.map(({ name }) => name));
            after = next;
          } while (after !== undefined);
          expect(listed).toEqual(names.toReversed());
        },
      ),
      { numRuns: cases(200) },
    );
  });

  it('tells of each session what is known: its name, its agent, what it was forked from, and when it was last used', async () => {
    const core = memoryCore();
    const known: Session = {
      ...session(2, 'Soup'),
      agent: 'cook',
      forkedFrom: { sessionId: asSessionId('old'), before: 3 },
      lastActive: epochMs(70),
      entry: 5,
    };
    for (const item of [session(1), known]) {
      await core.store.put(sessionKey(sessionOf(ANN, item.sessionId)), item);
      await keepListed(core, item);
    }
    expect((await listSessions(core, ANN, { limit: 9, bytes: 9000 })).sessions).toEqual([
      {
        session_id: 's2',
        name: 'Soup',
        agent: 'cook',
        forked_from: { session_id: 'old', before: 3 },
        created_at: 2,
        active_at: 70,
        message_count: 5,
      },
      { session_id: 's1', created_at: 1, active_at: 1, message_count: 0 },
    ]);
  });

  it('is searched by words of names: all that have them, page by page, of a hundred sessions each', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('Café in Lisbon', 'soup', 'CAFE Oslo', 'ﬁsh', undefined), {
          maxLength: 230,
        }),
        fc.constantFrom('cafe', 'café', 'OSLO caf', 'Fish', 'nowhere'),
        fc.integer({ min: 1, max: 60 }),
        async (names, query, limit) => {
          const core = memoryCore();
          for (const [i, name] of names.entries()) {
            const item = session(i, name);
            await core.store.put(sessionKey(sessionOf(ANN, item.sessionId)), item);
            await keepListed(core, item);
          }
          const found: (string | undefined)[] = [];
          let pages = 0;
          let after: string | undefined;
          do {
            const page = await listSessions(core, ANN, { after, limit, query, bytes: 30_000 });
            expect(page.sessions.length).toBeLessThanOrEqual(limit);
            found.push(...page.sessions.map(({ name }) => name));
            after = page.next;
            pages++;
          } while (after !== undefined);
          const having: Record<string, RegExp> = {
            cafe: /caf/i,
            café: /caf/i,
            'OSLO caf': /oslo/i,
            Fish: /ﬁsh/,
            nowhere: /nowhere/,
          };
          const expected = names.toReversed().filter((name) => name && having[query]?.test(name));
          expect(found).toEqual(expected);
          expect(pages).toBeLessThanOrEqual(
            Math.ceil(names.length / 100) + Math.ceil(expected.length / limit) + 1,
          );
        },
      ),
      { numRuns: cases(60) },
    );
  });

  it('P12: a search reads the list and the sessions of its principal, a hundred at most, and nothing else', async () => {
    const read: string[] = [];
    const core = memoryCore({
      store: memoryStore(new MemoryTable(), async (call, run) => {
        if (!isWrite(call)) read.push(`${call.operation} ${call.key.pk}`);
        return run();
      }),
    });
    for (const principal of [ANN, { tenant: 'acme', subject: 'bob' }]) {
      for (let i = 0; i < 120; i++) {
        const item = { ...session(i, 'soup'), principal };
        await core.store.put(sessionKey(sessionOf(principal, item.sessionId)), item);
        await keepListed(core, item);
      }
    }
    read.length = 0;
    const { sessions, next } = await listSessions(core, ANN, { limit: 100, query: 'rice', bytes: 30_000 });
    expect(sessions).toEqual([]);
    expect(next).toBeDefined();
    expect(read.filter((one) => one.includes('bob'))).toEqual([]);
    expect(read).toHaveLength(101);
  });

  it('keeps a session for as long as the session lives: it is listed again before its listing expires', async () => {
    let now = 0;
    const core = memoryCore({ clock: { now: () => epochMs(now), sleep: async () => {} } });
    const item = session(1);
    const key = listingKey(ANN, item);
    const first = await keepListed(core, item);
    await core.store.delete(key);
    // While the listing outlives the session it costs no write.
    expect(await keepListed(core, { ...item, listed: first })).toBe(first);
    expect(await core.store.get(key)).toBeUndefined();
    now = 365 * DAY_MS;
    const second = await keepListed(core, { ...item, listed: first });
    expect(second).toBeGreaterThan(first);
    expect(await core.store.get(key)).toMatchObject({ expires: second });
  });
});
