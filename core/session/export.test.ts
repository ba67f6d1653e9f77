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
