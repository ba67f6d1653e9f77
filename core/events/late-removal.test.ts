import { describe, expect, it } from 'vitest';
import { epochMs, epochSeconds } from '../../config/units.ts';
import { findFile } from '../files/stored-file.ts';
import { asFileId, asSessionId, asSessionKey, asTurnId } from '../ids.ts';
import { exportPage } from '../session/export.ts';
import type { Session } from '../store/items.ts';
import { entryKey, fileKey, sessionKey, summaryKey } from '../store/keys.ts';
import { memoryCore } from '../testing/memory-core.ts';
import { newestSummary, summaryFor } from '../turn/summaries.ts';
import { storedEntry } from './stored-entry.ts';

/** DynamoDB removes an item up to two days after it has expired. Until then, reads show it. */

const SESSION = asSessionKey('s');
const ENDS = epochSeconds(1_800_000_000);
const LATER = epochSeconds(ENDS + 86_400);
const usage = { inputTokens: 1, outputTokens: 1 };
const session: Session = {
  principal: { tenant: 't', subject: 's' },
  sessionId: asSessionId('s'),
  created: epochMs(0),
  queue: {},
  seq: 0,
  entry: 1,
  audience: {},
  expires: LATER,
};

/** A session with a summary and a file that expire, at so many milliseconds after their end. */
async function at(ms: number) {
  const core = memoryCore({ clock: { now: () => epochMs(ENDS * 1000 + ms), sleep: async () => {} } });
  await core.store.put(sessionKey(SESSION), session);
  const compacted = {
    type: 'compacted',
    seq: 1,
    turn: asTurnId('t'),
    from_entry: 1,
    to_entry: 1,
    model: 'm',
    provider: 'p',
    input_tokens: 1,
    output_tokens: 1,
  };
  const entry = { n: 1, turn: asTurnId('t'), role: 'event', event: compacted } as never;
  await core.store.put(entryKey(SESSION, 1), storedEntry(entry, { first: 1, expires: LATER }));
  const summary = { first: 1, to: 1, text: 'told', provider: 'p', model: 'm', usage, expires: ENDS };
  await core.store.put(summaryKey(SESSION, 1), summary as never);
  const file = { type: 'image/png', size: 1, until: epochMs(ENDS * 1000), expires: LATER };
  await core.store.put(fileKey(SESSION, asFileId('f')), file);
  return core;
}

type Given = Awaited<ReturnType<typeof at>>;
const reported = [{ type: 'history_trimmed', compacted_to: 1 }] as never;

describe('what has expired, and is in the table still', () => {
  it.each<[string, (core: Given) => Promise<boolean>]>([
    [
      'a summary, in an export',
      async (core) => (await exportPage(core, SESSION, session, { bytes: 1000 })).data.includes('told'),
    ],
    ['a summary, in a first prompt', async (core) => (await newestSummary(core, SESSION, 2)) !== undefined],
    [
      'a summary, in a later prompt of its turn',
      async (core) => (await summaryFor(core, { session: SESSION, events: reported }, 2)) !== undefined,
    ],
    ['a file', async (core) => (await findFile(core, SESSION, asFileId('f'))) !== undefined],
  ])('%s: is there to the last millisecond, and no longer', async (_, isThere) => {
    expect(await isThere(await at(-1))).toBe(true);
    expect(await isThere(await at(0))).toBe(false);
  });
});
