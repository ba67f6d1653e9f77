import type { Core } from '../core.ts';
import type { Entry } from '../events/entries.ts';
import { historyEntry } from '../events/history-entry.ts';
import { readTranscriptFrom } from '../events/transcript.ts';
import { hasExpired } from '../events/whole-turns.ts';
import type { SessionKey } from '../ids.ts';
import { fittingLength, jsonBytes } from '../json-bytes.ts';
import type { Session } from '../store/items.ts';
import { summaryKey } from '../store/keys.ts';
import { originOf } from './fork-facts.ts';

/** Entries that are read first for a page: short ones fill it with about a hundred, long ones with fewer. */
const WANTED = 10;

export interface ExportPage {
  /** Whole lines if they fit. A line that is longer than a page continues on the next one. */
  data: string;
  /** Position of the next page. Absent on the last one. */
  next?: string;
}

/**
 * A page of a session as JSON lines: one line about the session, then one for each entry of its transcript, whole. A page
 * has at most `bytes` bytes as a JSON string. All pages together are the file.
 */
export async function exportPage(
  core: Pick<Core, 'store' | 'clock'>,
  session: SessionKey,
  item: Session,
  { after, bytes }: { after?: string | undefined; bytes: number },
): Promise<ExportPage> {
  const start = after === undefined ? { n: 0, offset: 0 } : readPlace(after);
  let data = '';
  let room = bytes - 2;
  for await (const { n, text } of lines(core, session, item, start.n)) {
    const offset = n === start.n ? start.offset : 0;
    const rest = text.slice(offset);
    const size = jsonBytes(rest);
    if (size > room) {
      if (data) return { data, next: `${n}.${offset}` };
      const end = fittingLength(rest, room);
      return { data: rest.slice(0, end), next: `${n}.${offset + end}` };
    }
    data += rest;
    room -= size;
  }
  return { data };
}

async function* lines(
  core: Pick<Core, 'store' | 'clock'>,
  session: SessionKey,
  item: Session,
  from: number,
): AsyncGenerator<{ n: number; text: string }> {
  if (from === 0) {
    const { sessionId, name, agent, created, lastActive = created } = item;
    const about = {
      type: 'session',
      session_id: sessionId,
      name,
      agent,
      ...originOf(item),
      created_at: created,
      active_at: lastActive,
    };
    yield { n: 0, text: `${JSON.stringify(about)}\n` };
  }
  for await (const entry of readTranscriptFrom(core, session, from, WANTED)) {
    const summary = await summaryIn(core, session, entry);
    const line = { type: 'entry', ...historyEntry(entry), ...(summary !== undefined && { summary }) };
    yield { n: entry.n, text: `${JSON.stringify(line)}\n` };
  }
}

/** What the model was shown from this entry on, in the place of earlier ones, as long as it is stored. */
async function summaryIn(
  { store, clock }: Pick<Core, 'store' | 'clock'>,
  session: SessionKey,
  entry: Entry,
): Promise<string | undefined> {
  if (entry.role !== 'event' || entry.event.type !== 'compacted') return undefined;
  const summary = await store.get(summaryKey(session, entry.event.to_entry));
  return summary && !hasExpired(summary, clock.now()) ? summary.text : undefined;
}

/** `12.0` is entry 12 from its beginning. Entry 0 is the line about the session. */
function readPlace(place: string): { n: number; offset: number } {
  const [n = 0, offset = 0] = place.split('.').map(Number);
  return { n, offset };
}
