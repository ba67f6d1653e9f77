import { asSessionId } from '../../core/ids.ts';
import type { Lane, Principal, TurnsInFlight } from '../../core/store/items.ts';
import { type Key, principalTurnsKey, sessionOf, tenantTurnsKey } from '../../core/store/keys.ts';
import type { MemoryTable } from '../../core/testing/memory-store.ts';

/** The limits on turns that run or wait. 0: they are not counted. */
export interface PlaceLimits {
  principalTurns?: number;
  tenantTurns?: number;
}

/** Judges the counts of turns in flight: never over a limit, and no turn begins where its session has no place. */
export class Places {
  /** The first turn that began without a place. Late duplicates alone may cause this: one can open an answered turn again. */
  uncounted: string | undefined;
  readonly #table: MemoryTable;
  readonly #counts: { key: Key<TurnsInFlight>; limit: number }[];

  constructor(
    table: MemoryTable,
    principal: Principal,
    { principalTurns = 0, tenantTurns = 0 }: PlaceLimits,
  ) {
    const session = sessionOf(principal, asSessionId(''));
    this.#table = table;
    this.#counts = [
      { key: principalTurnsKey(session), limit: principalTurns },
      { key: tenantTurnsKey(session), limit: tenantTurns },
    ].filter(({ limit }) => limit > 0);
  }

  get areCounted(): boolean {
    return this.#counts.length > 0;
  }

  /** The slots that have a place in some count. */
  get taken(): string[] {
    return this.#counts.flatMap(({ key }) => Object.keys(this.#table.get(key)?.slots ?? {}));
  }

  /** Of the first count that is over its limit. */
  get excess(): string | undefined {
    const over = this.#counts.find(
      ({ key, limit }) => Object.keys(this.#table.get(key)?.slots ?? {}).length > limit,
    );
    return over && `${over.key.pk} has more than ${over.limit} turns`;
  }

  /**
   * The slot has a place, or another one of its session has, under whose job it runs first: its own opener died. A session has one
   * worker at a time either way.
   */
  claimed({ session, slot }: Lane): void {
    const missing = this.#counts.find(
      ({ key }) =>
        !Object.values(this.#table.get(key)?.slots ?? {}).some((place) => place.session === session),
    );
    if (missing) this.uncounted ??= `slot ${slot} began without a place in ${missing.key.pk}`;
  }
}
