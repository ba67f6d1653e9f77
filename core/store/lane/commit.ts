import type { EpochSeconds } from '../../../config/units.ts';
import type { SlotId } from '../../ids.ts';
import type { Lane } from '../items.ts';
import type { Update } from '../update.ts';
import { add, count, equals, set } from '../update.ts';
import type { Then, When } from './lane-update.ts';

/**
 * Claims the lane: from now on only this worker can commit (P8). `lease` is a new value for each claim and is never read
 * from the lane. The claim demands the lane's `seq` as it was read. Otherwise a late duplicate of an old claim would give
 * the lane to a worker that ended long ago, and nobody would process what is accepted there.
 *
 * The writer recognises its own success by its lease. A duplicate only counts one more attempt.
 */
export const claim = (slot: SlotId, lease: string, seq: number, expires: EpochSeconds): Update<Lane> => ({
  when: [
    // rule: claim-needs-current-slot
    equals('slot', slot),
    equals('seq', seq),
  ],
  change: [set('lease', lease), add('attempts', 1), count('claims', 1), set('expires', expires)],
});

export interface Extension {
  lease: string;
  /** The `seq` that the commit extends: a commit cannot be made twice, nor after another worker's. */
  from: number;
  to: number;
  /** Committed events that are not spilled yet, encoded: earlier ones and those of this commit. */
  unspilled: string[];
  commitId: string;
  /** True if the commit adds events or ends the turn. `attempts` counts the claims since the last such commit. */
  progress: boolean;
  when?: When[];
  change?: Then[];
}

/**
 * Appends events to the lane, fenced: it demands the worker's lease and the `seq` at which the worker left the lane (P8).
 * Everything else that a turn changes is part of such a commit. The writer recognises its own success by the commit id,
 * which is new for each commit.
 */
export const commit = ({
  lease,
  from,
  to,
  unspilled,
  commitId,
  progress,
  when = [],
  change = [],
}: Extension): Update<Lane> => ({
  when: [
    // rule: commit-needs-lease
    equals('lease', lease),
    // rule: commit-needs-seq
    equals('seq', from),
    ...when,
  ],
  change: [
    set('unspilled', unspilled),
    set('seq', to),
    set('commitId', commitId),
    ...(progress ? [set<Lane>('attempts', 0)] : []),
    ...change,
  ],
});
