import type { EpochSeconds } from '../../config/units.ts';
import { ownValue } from '../own-value.ts';
import type { Change, Update } from './update.ts';
import { absent, add, any, atMost, count, equals, set } from './update.ts';
import type { Owed, Spend } from './usage-items.ts';

/** The writes on what was used in a day. All are idempotent, by the mark of what they count. */

/** What a session has used, and its mark: each one of a session is higher than those before. */
export interface Count {
  /** The session, as a digest. */
  by: string;
  mark: number;
  used: Omit<Owed, 'day'>;
  /** The window of time in which it is counted. */
  window: number;
  expires: EpochSeconds;
}

export const firstCount = ({ by, mark, used, window, expires }: Count): Spend => ({
  turns: used.turns,
  tokens: used.tokens,
  nano: used.nano,
  marks: { [by]: mark },
  earlier: {},
  window,
  version: 1,
  expires,
});

/** Whether it is counted already, or something later of its session. */
export const isCounted = ({ marks, earlier }: Spend, { by, mark }: Count): boolean =>
  [marks, earlier].some((map) => (ownValue(map, by) ?? 0) >= mark);

/**
 * Adds what a session has used, once: a repeat, and a worker that was paused before its write, find a mark that is as high. The
 * writer recognises its success by the mark.
 */
export const addCount = (counted: Count): Update<Spend> => ({
  when: [
    equals('window', counted.window),
    // rule: step-is-counted-once
    ...notCounted('marks', counted),
    ...notCounted('earlier', counted),
  ],
  change: [...used(counted), set(['marks', counted.by], counted.mark)],
});

/**
 * The same where a new window begins, of the item as it was read. Marks are kept for as long as a function can be paused that still
 * has to write them, so the item has those of the sessions that were active in the last two windows.
 */
export const addCountInNewWindow = (counted: Count, read: Spend): Update<Spend> => ({
  when: [equals('version', read.version)],
  change: [
    ...used(counted),
    set(
      'earlier',
      /* rule: marks-outlast-their-writers */ counted.window === read.window + 1 ? read.marks : {},
    ),
    set('marks', { [counted.by]: counted.mark }),
    set('window', counted.window),
  ],
});

const notCounted = (map: 'marks' | 'earlier', { by, mark }: Count) => [
  any<Spend>(absent([map, by]), atMost([map, by], mark - 1)),
];

const used = ({ used: { turns, tokens, nano } }: Count): Change<Spend>[] => [
  count('turns', turns),
  count('tokens', tokens),
  count('nano', nano),
  add('version', 1),
];
