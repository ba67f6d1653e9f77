import type { Core } from '../core.ts';
import { expiry } from '../core.ts';
import type { LaneId, SessionKey, SlotId } from '../ids.ts';
import type { Lane } from '../store/items.ts';
import { laneKey } from '../store/keys.ts';
import type { Extension } from '../store/lane/commit.ts';
import { claim, commit } from '../store/lane/commit.ts';

/** Another worker has claimed the lane, or the lane is gone. The worker stops, posts nothing more, and reports failure. */
export class Fenced extends Error {
  override readonly name = 'Fenced';
}

/** The lane and slot to claim, and the `seq` at which the lane was read. */
export interface Claim {
  session: SessionKey;
  laneId: LaneId;
  slot: SlotId;
  seq: number;
}

/**
 * A worker's exclusive right to write for one lane, from its claim until another worker claims the lane (P8). It is the
 * only way in which a worker writes on a lane.
 */
export class Lease {
  readonly #core: Core;
  readonly session: SessionKey;
  readonly laneId: LaneId;
  readonly slot: SlotId;
  /** New for each claim and never read from the lane, so that the ids of its commits are its own too. */
  readonly #id: string;
  #lane: Lane;
  #commits = 0;

  private constructor(core: Core, { session, laneId, slot }: Claim, id: string, lane: Lane) {
    this.#core = core;
    this.session = session;
    this.laneId = laneId;
    this.slot = slot;
    this.#id = id;
    this.#lane = lane;
  }

  /** Claims the lane as it was read. Undefined: the lane has changed since; read it again. */
  static async claim(core: Core, where: Claim): Promise<Lease | undefined> {
    const id = /* rule: lease-is-new */ core.newId();
    const claimed = await core.store.update(
      laneKey(where.session, where.laneId),
      claim(where.slot, id, where.seq, expiry(core).lane),
    );
    return claimed.ok ? new Lease(core, where, id, claimed.item) : undefined;
  }

  /** The lane as last seen: by the claim, a commit or `refresh`. */
  get lane(): Lane {
    return this.#lane;
  }

  /**
   * Makes one conditional write that extends the lane from its last known `seq`.
   *
   * @returns false if a condition of `when` did not hold. The lane has been read again: decide again.
   * @throws Fenced if the lane has another lease, or is gone.
   */
  async commit(extension: Omit<Extension, 'lease' | 'commitId' | 'from'>): Promise<boolean> {
    const key = laneKey(this.session, this.laneId);
    const from = this.#lane.seq;
    const commitId = `${this.#id}:${/* rule: commit-id-is-new */ ++this.#commits}`;
    const written = await this.#core.store.update(
      key,
      commit({ ...extension, lease: this.#id, commitId, from }),
    );
    if (written.ok) {
      this.#lane = written.item;
      return true;
    }
    const now = await this.#core.store.get(key);
    if (!now) throw new Fenced(`lane ${this.laneId} is gone`);
    // The write took effect, and only its answer was lost: the SDK repeated it, and the repeat was refused.
    const tookEffect = now.commitId === commitId;
    if (!tookEffect && (now.lease !== this.#id || now.seq !== from)) {
      throw new Fenced(`lane ${this.laneId} has the lease of another worker`);
    }
    this.#lane = now;
    return tookEffect;
  }

  /** Reads what others wrote on the lane (inbox, abort, audience) while there is nothing to commit. Throws `Fenced`. */
  async refresh(): Promise<void> {
    const now = await this.#core.store.get(laneKey(this.session, this.laneId));
    if (now?.lease !== this.#id) throw new Fenced(`lane ${this.laneId} has the lease of another worker`);
    this.#lane = now;
  }
}
