import type { HistoryFrame } from '../../protocol/client-frames.ts';
import { DEFAULT_HISTORY_LIMIT, MAX_FRAME_BYTES } from '../../protocol/limits.ts';
import type { HistoryEntry } from '../../protocol/server-frames.ts';
import type { Core } from '../core.ts';
import type { Entry } from '../events/entries.ts';
import { historyEntry } from '../events/history-entry.ts';
import { readTranscriptBefore } from '../events/transcript.ts';
import { reply, sessionDeleted } from '../replies.ts';
import { sessionKey } from '../store/keys.ts';
import type { Sender } from './acknowledge.ts';

/** Room for the frame around the entries. */
const PAGE_BYTES = MAX_FRAME_BYTES - 512;

/** Sends a page of the transcript, oldest first: as many of the newest entries as fit into one frame. */
export async function sendHistory(core: Core, sender: Sender, frame: HistoryFrame): Promise<void> {
  const item = await core.store.get(sessionKey(sender.connection.session));
  if (item?.deleted !== undefined) {
    await reply(core, sender.id, sessionDeleted());
    return;
  }
  const limit = frame.limit ?? DEFAULT_HISTORY_LIMIT;
  // One more than requested shows whether there is another page. Merging needs whole turns, so it reads on.
  const pages = readTranscriptBefore(core, sender.connection.session, frame.before, limit + 1);
  const newestFirst: HistoryEntry[] = [];
  let next: number | undefined;
  let size = 0;
  const units = frame.merged ? mergedUnits(pages) : singleUnits(pages);
  for await (const unit of units) {
    const bytes = unit.reduce((sum, entry) => sum + Buffer.byteLength(JSON.stringify(entry)) + 1, 0);
    const full = newestFirst.length + unit.length > limit || size + bytes > PAGE_BYTES;
    if (full && newestFirst.length > 0) {
      next = newestFirst.at(-1)?.n;
      break;
    }
    newestFirst.push(...unit.toReversed());
    size += bytes;
  }
  await reply(core, sender.id, {
    type: 'history',
    entries: newestFirst.reverse(),
    ...(next !== undefined && { next }),
  });
}

/** Arguments that do not fit into a frame are left out. `export` has them. */
function shown(entry: Entry): HistoryEntry {
  const whole = historyEntry(entry);
  if (whole.role !== 'tool_call' || Buffer.byteLength(JSON.stringify(whole.args)) < PAGE_BYTES - 1024)
    return whole;
  return { ...whole, args: null, truncated: true };
}

async function* singleUnits(entries: AsyncIterable<Entry>): AsyncGenerator<HistoryEntry[]> {
  for await (const entry of entries) yield [shown(entry)];
}

/** A turn as a chat shows it: the user's messages, then all assistant text, in pieces that fit into a frame. */
async function* mergedUnits(entries: AsyncIterable<Entry>): AsyncGenerator<HistoryEntry[]> {
  let turn: Entry[] = [];
  for await (const entry of entries) {
    if (turn[0] && turn[0].turn !== entry.turn) {
      yield* merged(turn.reverse());
      turn = [];
    }
    turn.push(entry);
  }
  if (turn.length) yield* merged(turn.reverse());
}

function* merged(turn: Entry[]): Generator<HistoryEntry[]> {
  const users = turn.filter((entry) => entry.role === 'user').map(shown);
  const spans = turn.filter((entry) => entry.role === 'assistant');
  const pieces: HistoryEntry[] = [];
  for (const { n, turn: turn_id, content } of spans) {
    const last = pieces.at(-1);
    const joined = last?.role === 'assistant' ? last.content + content : content;
    if (last?.role === 'assistant' && Buffer.byteLength(JSON.stringify(joined)) < PAGE_BYTES - 1024) {
      last.content = joined;
    } else {
      pieces.push({ n, turn_id, role: 'assistant', content });
    }
  }
  const all = [...users, ...pieces];
  if (sizeOf(all) < PAGE_BYTES) yield all;
  // A page may end inside so long a turn. The next one continues before its oldest entry, so entries are sorted by number.
  else for (const entry of all.sort((a, b) => b.n - a.n)) yield [entry];
}

const sizeOf = (entries: HistoryEntry[]) =>
  entries.reduce((sum, entry) => sum + Buffer.byteLength(JSON.stringify(entry)) + 1, 0);
