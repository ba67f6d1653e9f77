import { isBehind, type State } from './state.ts';
import { doubling, NEVER, PROBE_AFTER, PROBE_AT_MOST, RESUME_AGAIN, RESUME_AT_MOST } from './timing.ts';

/** Decides when to ask for events again: after a hole in `seq`, or after silence where an event is expected (P9). */
export class CatchUp {
  /** The earliest time to ask for a missing event again. */
  #resumeAt = 0;
  #resumes = 0;
  #resumedFrom: number | undefined;
  #heardAt = 0;
  #probedAt = 0;
  #probes = 0;

  /** The events after `cursor` are requested with the `connect` that is sent now. */
  asked(cursor: number | undefined, now: number): void {
    this.#resumes = cursor === this.#resumedFrom ? this.#resumes + 1 : 0;
    this.#resumedFrom = cursor;
    this.#resumeAt = now + doubling(RESUME_AGAIN, this.#resumes, RESUME_AT_MOST);
  }

  /** `connected` arrived. Events that are still missing were lost: they are requested at once, unless the last request brought nothing. */
  answered(cursor: number | undefined): void {
    if (cursor !== this.#resumedFrom) this.#resumeAt = 0;
  }

  heard(now: number): void {
    this.#heardAt = now;
  }

  /** An event arrived, so the silence before it needs no probe. */
  eased(): void {
    this.#probes = 0;
  }

  /** Forgets earlier requests: a missing event can be requested at once. */
  startOver(): void {
    this.#resumeAt = 0;
  }

  isDue(state: State, now: number): boolean {
    const isMissing = isBehind(state);
    if (!isMissing) this.#resumes = 0;
    const probeAt = this.#probeAt(state);
    const isSilent = probeAt <= now;
    if (isSilent) {
      this.#probes += 1;
      this.#probedAt = now;
    }
    return isSilent || (isMissing && this.#resumeAt <= now);
  }

  nextDue(state: State): number {
    const probeAt = this.#probeAt(state);
    return isBehind(state) ? Math.min(this.#resumeAt, probeAt) : probeAt;
  }

  /** `NEVER`, unless a turn runs or a message waits for one: then silence can mean that events were lost. */
  #probeAt({ activeTurn, pending }: State): number {
    if (!activeTurn && pending.length === 0) return NEVER;
    return Math.max(this.#heardAt, this.#probedAt) + doubling(PROBE_AFTER, this.#probes, PROBE_AT_MOST);
  }
}
