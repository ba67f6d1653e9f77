import type { Core } from './core.ts';
import type { Entry } from './entries.ts';
import { withoutExpiry } from './journal.ts';
import { entryKey } from './keys.ts';

const PAGE = 100;

/** A session's entries from the one before `before` (without it: the newest) backwards, read page by page as needed. */
export async function* readEntriesBefore(
  core: Pick<Core, 'store'>,
  session: string,
  before = Number.MAX_SAFE_INTEGER,
): AsyncGenerator<Entry> {
  let to = before - 1;
  while (to >= 1) {
    const page = await core.store.query(entryKey(session, 1), entryKey(session, to), {
      backwards: true,
      limit: PAGE,
    });
    for (const item of page) yield withoutExpiry(item);
    const last = page.at(-1);
    if (page.length < PAGE || !last) return;
    to = last.n - 1;
  }
}
