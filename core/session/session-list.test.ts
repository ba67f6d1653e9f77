import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { epochMs, epochSeconds } from '../../config/units.ts';
import { cases } from '../../test/support/sample.ts';
import { anyText } from '../../test/support/text.ts';
import { asSessionId } from '../ids.ts';
import type { Session } from '../store/items.ts';
import { listingKey, sessionKey, sessionOf } from '../store/keys.ts';
import { memoryCore } from '../testing/memory-core.ts';
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
