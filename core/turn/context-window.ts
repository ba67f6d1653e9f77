import type { Core } from '../core.ts';
import type { Entry } from '../events/entries.ts';
import { readEntriesBefore } from '../events/transcript.ts';

/** Of an entry as JSON: an estimate that suits English, with room for what its JSON adds. A provider's own count differs. */
const BYTES_PER_TOKEN = 4;

export interface EarlierTurns {
  entries: Entry[];
  /** Entries that were left out, and turns that were kept; undefined when everything is there. */
  trimmed?: { dropped: number; keptTurns: number };
}

/**
 * The transcript before a turn, read backwards up to the budget; whole turns only, so that tool calls keep their
 * results (P13). A function of the transcript alone (P11).
 */
export async function readEarlierTurns(
  core: Pick<Core, 'store'>,
  session: string,
  firstEntry: number,
  /** What the earlier entries may take of the model's context. */
  maxTokens: number,
): Promise<EarlierTurns> {
  const entries: Entry[] = [];
  let bytes = 0;
  for await (const entry of readEntriesBefore(core, session, firstEntry)) {
    bytes += Buffer.byteLength(JSON.stringify(entry));
    if (bytes > maxTokens * BYTES_PER_TOKEN) {
      const cut = entry.turn;
      const kept = entries.filter((other) => other.turn !== cut).reverse();
      const first = kept[0]?.n ?? firstEntry;
      return {
        entries: kept,
        trimmed: { dropped: first - 1, keptTurns: new Set(kept.map((e) => e.turn)).size },
      };
    }
    entries.push(entry);
  }
  return { entries: entries.reverse() };
}
