import { drop, replace } from '../../mutation/edits.ts';
import type { Mutant } from './mutant.ts';

/** Titles that a model writes. */
export const TITLES: readonly Mutant[] = [
  {
    name: 'title-over-a-name',
    breaks: 'a title takes the place of no name that somebody gave, and of no other title',
    titles: true,
    edits: [drop('title-replaces-no-name')],
  },
  {
    name: 'title-for-a-deleted-session',
    breaks: 'a deleted session is given no title',
    titles: true,
    edits: [drop('deleted-session-gets-no-title')],
  },
  {
    name: 'title-attempt-of-two-workers',
    breaks: 'an attempt to write a title is made by one worker',
    titles: true,
    edits: [replace('title-attempt-is-one-workers', 'true')],
  },
  {
    name: 'title-of-a-failure',
    breaks: 'a title is written after an answer',
    titles: true,
    edits: [
      replace('title-follows-an-answer', ({ right }) => `${right}`),
      replace('answer-asks-for-title', 'true'),
    ],
  },
];
