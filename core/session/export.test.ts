import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { epochMs, epochSeconds } from '../../config/units.ts';
import { cases } from '../../test/support/sample.ts';
import { anyText } from '../../test/support/text.ts';
import { storedEntry } from '../events/stored-entry.ts';
import { asMessageId, asSessionId, asSessionKey, asTurnId } from '../ids.ts';
import type { Session } from '../store/items.ts';
import { entryKey, sessionKey } from '../store/keys.ts';
import { memoryCore } from '../testing/memory-core.ts';
import { exportPage } from './export.ts';

const SESSION = asSessionKey('s');
const EXPIRES = epochSeconds(1000);
const session = (entry: number): Session => ({
  principal: { tenant: 't', subject: 's' },
  sessionId: asSessionId('s'),
  created: epochMs(0),
  queue: {},
  seq: 0,
  entry,
  audience: {},
  expires: EXPIRES,
});

/** Also what JSON escapes with six characters. */
const content = fc
  .array(fc.oneof(anyText({ minLength: 1, maxLength: 6 }), fc.constantFrom('\u0001', '\u0301')), {
    minLength: 1,
    maxLength: 20,
  })
  .map((all) => all.join(''));

async function given(contents: readonly string[]) {
  const core = memoryCore();
  await core.store.put(sessionKey(SESSION), session(contents.length));
  for (const [i, text] of contents.entries()) {
    const id = asMessageId(`m${i}`);
    const entry = { n: i + 1, turn: asTurnId('t'), role: 'user', id, content: text, at: epochMs(0), step: 1 };
    const stored = storedEntry(entry as never, { first: 1, expires: EXPIRES });
    await core.store.put(entryKey(SESSION, i + 1), stored);
  }
  return core;
}

describe('P1: an export', () => {
  it('is whole, whatever its characters and the size of its pages; each page is well-formed and fits', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(content, { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 14, max: 400 }),
        async (contents, bytes) => {
          const core = await given(contents);
          let file = '';
          let after: string | undefined;
          do {
            const page = await exportPage(core, SESSION, session(contents.length), { after, bytes });
            expect(page.data.length).toBeGreaterThan(0);
            expect(page.data.isWellFormed()).toBe(true);
            expect(Buffer.byteLength(JSON.stringify(page.data))).toBeLessThanOrEqual(bytes);
            file += page.data;
            after = page.next;
          } while (after !== undefined);
          const [about, ...entries] = file
            .trimEnd()
            .split('\n')
            .map((line) => JSON.parse(line));
          expect(about).toMatchObject({ type: 'session', session_id: 's' });
          expect(entries.map((entry) => entry.content)).toEqual(contents);
        },
      ),
      { numRuns: cases(200) },
    );
  });
});

it('the first line of an export says what is known of its session, and it is the first alone', async () => {
  const core = await given(['one', 'two']);
  const known: Session = {
    ...session(2),
    name: 'Soup',
    agent: 'cook',
    forkedFrom: { sessionId: asSessionId('old'), before: 3 },
    lastActive: epochMs(70),
  };
  const lines = async (item: Session, after?: string) =>
    (await exportPage(core, SESSION, item, { after, bytes: 9000 })).data.split('\n').slice(0, -1);
  const [about = '', ...entries] = await lines(known);
  expect(JSON.parse(about)).toEqual({
    type: 'session',
    session_id: 's',
    name: 'Soup',
    agent: 'cook',
    forked_from: { session_id: 'old', before: 3 },
    created_at: 0,
    active_at: 70,
  });
  expect(JSON.parse((await lines(session(2)))[0] ?? '')).toEqual({
    type: 'session',
    session_id: 's',
    created_at: 0,
    active_at: 0,
  });
  expect(entries.map((line) => JSON.parse(line))).toEqual([
    { type: 'entry', n: 1, turn_id: 't', role: 'user', id: 'm0', content: 'one', at: 0, step: 1 },
    { type: 'entry', n: 2, turn_id: 't', role: 'user', id: 'm1', content: 'two', at: 0, step: 1 },
  ]);
  // A page that begins with an entry has that one's line, and a page within a line the rest of it.
  expect(await lines(known, '2.0')).toEqual([entries[1]]);
  expect(await lines(known, '2.10')).toEqual([entries[1]?.slice(10)]);
});
