import type { Core } from '../core.ts';
import type { Entry } from '../events/entries.ts';
import { readEntriesBefore } from '../events/transcript.ts';
import type { SessionKey } from '../ids.ts';
import type { TurnContext } from './context.ts';
import type { LeasedTurn } from './leased-turn.ts';

/**
 * Estimate of a token's size, in bytes of an entry's JSON: that of English, with room for what JSON adds. Providers count
 * differently, and no count is known before a call.
 */
const BYTES_PER_TOKEN = 4;

export interface EarlierTurns {
  entries: Entry[];
  /** Entries that were left out, and turns that were kept. Undefined if nothing was left out. */
  trimmed?: { dropped: number; keptTurns: number };
}

/**
 * Reads the transcript before a turn, backwards up to the budget. Whole turns only, so that tool calls keep their results
 * (P13): one of which an entry has expired is left out too. The result is a function of the transcript alone (P11).
 *
 * @param maxTokens what earlier turns may take of the model's context
 */
export async function readEarlierTurns(
  core: Pick<Core, 'store' | 'clock'>,
  session: SessionKey,
  firstEntry: number,
  maxTokens: number,
): Promise<EarlierTurns> {
  const entries: Entry[] = [];
  let bytes = 0;
  for await (const entry of readEntriesBefore(core, session, firstEntry)) {
    bytes += Buffer.byteLength(JSON.stringify(entry));
    // rule: prompt-has-budget
    if (bytes > maxTokens * BYTES_PER_TOKEN) {
      const cut = entry.turn;
      const kept = entries.filter(/* rule: prompt-has-whole-turns */ (other) => other.turn !== cut).reverse();
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
    const { session, firstEntry } = this.#turn;
    const { core, settings } = this.#context;
    const turns = readEarlierTurns(core, session, firstEntry, settings.contextTokens);
    // `read` throws a failure. A turn that ends before its first model call never reads.
    turns.catch(() => {});
    return { firstEntry, turns };
  }
}
