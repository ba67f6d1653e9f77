import { isBehind, type State } from './state.ts';
import { doubling, PROBE_AFTER, PROBE_AT_MOST, RESUME_AGAIN, RESUME_AT_MOST } from './timing.ts';

/** When to ask for events again: since a later one has come, or since there is nothing where something is expected (P9). */
export class CatchUp {
  /** Not before this is a missing event asked for again. */
  #resumeAt = 0;
  #resumes = 0;
  #resumedFrom: number | undefined;
  #heardAt = 0;
  #probedAt = 0;
  #probes = 0;

  /** All after `cursor` is being asked for. */
  asked(cursor: number | undefined, now: number): void {
    this.#resumes = cursor === this.#resumedFrom ? this.#resumes + 1 : 0;
    this.#resumedFrom = cursor;
    this.#resumeAt = now + doubling(RESUME_AGAIN, this.#resumes, RESUME_AT_MOST);
  }

  /** What is still missing was lost on the way: asked for again at once, unless that has just brought nothing. */
  answered(cursor: number | undefined): void {
    if (cursor !== this.#resumedFrom) this.#resumeAt = 0;
  }

  heard(now: number): void {
    this.#heardAt = now;
  }

  /** Events come: silence is no longer suspicious. */
  eased(): void {
    this.#probes = 0;
  }

  /** Whatever was asked for before is of no use: what is missing now may be asked for at once. */
  startOver(): void {
    this.#resumeAt = 0;
  }

  isDue(state: State, now: number): boolean {
    const isMissing = isBehind(state);
    if (!isMissing) this.#resumes = 0;
    const probeAt = this.#probeAt(state);
    const isSilent = probeAt !== undefined && probeAt <= now;
    if (isSilent) {
      this.#probes += 1;
      this.#probedAt = now;
    }
    return isSilent || (isMissing && this.#resumeAt <= now);
  }

  nextDue(state: State): number | undefined {
    const probeAt = this.#probeAt(state);
    return isBehind(state) ? Math.min(this.#resumeAt, probeAt ?? Number.POSITIVE_INFINITY) : probeAt;
  }

  /** Set while a turn runs or a message waits for one: silence may then mean that its events were lost. */
  #probeAt({ activeTurn, pending }: State): number | undefined {
    if (!activeTurn && pending.length === 0) return undefined;
    return Math.max(this.#heardAt, this.#probedAt) + doubling(PROBE_AFTER, this.#probes, PROBE_AT_MOST);
  }
}
