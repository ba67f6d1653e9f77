import type { Core } from '../core.ts';
import type { Entry } from '../entries.ts';
import { readEntriesBefore } from '../transcript.ts';

/** Of earlier entries in a prompt, as JSON: about 100,000 tokens. */
const MAX_PROMPT_BYTES = 400_000;

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
): Promise<EarlierTurns> {
  const entries: Entry[] = [];
  let bytes = 0;
  for await (const entry of readEntriesBefore(core, session, firstEntry)) {
    bytes += Buffer.byteLength(JSON.stringify(entry));
    if (bytes > MAX_PROMPT_BYTES) {
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
