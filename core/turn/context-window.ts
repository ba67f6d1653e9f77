import type { Core } from '../core.ts';
import { type Entry, isSpoken, sizeInPrompt } from '../events/entries.ts';
import { readEntriesBefore } from '../events/transcript.ts';
import type { SessionKey } from '../ids.ts';
import type { Summary } from '../store/items.ts';
import type { TurnContext } from './context.ts';
import type { LeasedTurn } from './leased-turn.ts';
import { summaryFor } from './summaries.ts';
import { TokenRatio } from './token-ratio.ts';

/** What a cut leaves of the budget, so that the next one is far away: after each, providers cache the prompt anew. */
const LEFT_BY_CUT = 0.5;

export interface EarlierTurns {
  entries: Entry[];
  /** Number of the first entry of a new cut, to be remembered. Undefined if none was needed. */
  cutAt?: number;
  /** Entries that were left out, and turns that were kept. Undefined if nothing was left out. */
  trimmed?: { dropped: number; keptTurns: number } | undefined;
  /** Of what was left out. */
  summary?: Summary | undefined;
}

/**
 * Reads the transcript before a turn, backwards to the session's last cut. If that is more than the budget, it cuts anew, and
 * far. Tokens are those that the provider has counted for the same turns, as far as it has (`TokenRatio`). Whole turns only,
 * so that tool calls keep their results (P13): one of which an entry has expired is left out too. The result is a function of
 * the transcript and of the last cut alone (P11).
 *
 * @param budget `maxTokens`: what earlier turns may take of the model's context; `from`: the first entry after the last cut
 */
export async function readEarlierTurns(
  core: Pick<Core, 'store' | 'clock'>,
  session: SessionKey,
  firstEntry: number,
  { maxTokens, from = 1 }: { maxTokens: number; from?: number | undefined },
): Promise<EarlierTurns> {
  const ratio = new TokenRatio();
  const entries: Entry[] = [];
  /** Whole turns, newest first: their first entry, and the bytes from there on. */
  const turns: { first: number; bytes: number }[] = [];
  let bytes = 0;
  for await (const entry of readEntriesBefore(core, session, firstEntry)) {
    if (/* rule: prompt-begins-at-cut */ entry.n < from) {
      entries.reverse();
      return { entries, trimmed: reportOf(entries, firstEntry) };
    }
    const last = entries.at(-1);
    if (last && /* rule: prompt-has-whole-turns */ last.turn !== entry.turn)
      turns.push({ first: last.n, bytes });
    const size = isSpoken(entry) ? sizeInPrompt(entry) : 0;
    ratio.addOlder(entry, size);
    bytes += size;
    const maxBytes = maxTokens * ratio.bytesPerToken;
    // rule: prompt-has-budget
    if (bytes > maxBytes) return cut(entries, turns, firstEntry, maxBytes);
    entries.push(entry);
  }
  return { entries: entries.reverse() };
}

function cut(
  entries: readonly Entry[],
  turns: readonly { first: number; bytes: number }[],
  firstEntry: number,
  maxBytes: number,
): EarlierTurns {
  // The last turn is what a person talks about: it stays if it fits at all.
  const oldest = turns.findLast((turn) => turn.bytes <= maxBytes * LEFT_BY_CUT) ?? turns[0];
  const cutAt = oldest?.first ?? firstEntry;
  const kept = entries.filter(({ n }) => n >= cutAt).reverse();
  return { entries: kept, cutAt, trimmed: reportOf(kept, firstEntry) };
}

/** @param kept oldest first */
const reportOf = (kept: readonly Entry[], firstEntry: number): EarlierTurns['trimmed'] => ({
  dropped: (kept[0]?.n ?? firstEntry) - 1,
  keptTurns: new Set(kept.map(({ turn }) => turn)).size,
});

/** Reads the earlier turns once, from its construction on, and again only if the turn continues under a new id. */
export class EarlierTurnsReader {
  readonly #turn: LeasedTurn;
  readonly #context: TurnContext;
  #reading: { firstEntry: number; turns: Promise<EarlierTurns> };

  constructor(turn: LeasedTurn, context: TurnContext) {
    this.#turn = turn;
    this.#context = context;
    this.#reading = this.#start();
  }

  read(): Promise<EarlierTurns> {
    if (this.#reading.firstEntry !== this.#turn.firstEntry) this.#reading = this.#start();
    return this.#reading.turns;
  }

  #start() {
    const { firstEntry } = this.#turn;
    const turns = this.#readBoth();
    // `read` throws a failure. A turn that ends before its first model call never reads.
    turns.catch(() => {});
    return { firstEntry, turns };
  }

  async #readBoth(): Promise<EarlierTurns> {
    const { session, firstEntry, promptFrom: from } = this.#turn;
    const { core, settings, compactor } = this.#context;
    const [turns, summary] = await Promise.all([
      readEarlierTurns(core, session, firstEntry, { maxTokens: settings.contextTokens, from }),
      compactor && from !== undefined ? summaryFor(core, this.#turn, from) : undefined,
    ]);
    if (!summary) return turns;
    // What it is about may have expired in the table meanwhile, entry by entry. A prompt of the same turn keeps it.
    return { ...turns, trimmed: turns.trimmed ?? reportOf(turns.entries, firstEntry), summary };
  }
}
