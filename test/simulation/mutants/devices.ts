import { drop, replace } from '../../mutation/edits.ts';
import type { Mutant } from './mutant.ts';

/** Several devices of one session: which events each receives, and whose turn a message steers. */
export const DEVICES: readonly Mutant[] = [
  {
    name: 'audience-of-lane-only',
    breaks: 'a turn posts to the listeners of its session',
    edits: [drop('turn-posts-to-session-audience')],
  },
  {
    name: 'gone-connection-stays',
    breaks: 'nobody who is gone is posted to for ever',
    edits: [drop('gone-connection-leaves-audience')],
  },
  {
    name: 'no-replay-of-opening-gap',
    breaks: 'events that are committed between session_start and joining are replayed',
    edits: [replace('replay-from-session-start', ({ text }) => `${text} + 1`)],
  },
  {
    name: 'replay-while-live',
    breaks: 'replayed and live events are not mixed',
    edits: [replace('joins-as-catching-up', 'true')],
  },
  {
    name: 'no-replay-before-live',
    breaks: 'a connection is live when everything that was committed before is replayed to it',
    edits: [replace('replay-before-live', 'undefined')],
  },
  {
    name: 'live-while-behind',
    breaks: 'a connection goes live only where nothing was committed since',
    edits: [drop('live-at-the-last-event')],
  },
  {
    name: 'replayed-events-sent-again',
    breaks: 'a worker, or its successor, sends no event that was replayed to a listener',
    edits: [replace('replayed-events-not-sent-again', 'true')],
  },
  {
    name: 'refused-repeat-taken-for-behind',
    breaks: 'a connection is live when the write that made it live took effect, whatever its repeat was told',
    edits: [replace('refused-repeat-is-live', 'false')],
  },
  {
    name: 'replay-continued-twice',
    breaks: 'one function goes on with a replay',
    edits: [drop('one-function-continues-a-replay')],
  },
  {
    name: 'abort-of-any-turn',
    breaks: 'an abort names its turn',
    edits: [drop('abort-names-its-turn'), replace('abort-stops-its-turn', ({ consequent }) => consequent)],
  },
  {
    name: 'late-connect-empties-lane',
    breaks: 'a late duplicate of $connect empties no lane',
    edits: [replace('late-connect-keeps-lane', ({ text }) => text.replace('.putIfAbsent(', '.put('))],
  },
  {
    name: 'steer-unseen-turn',
    breaks: 'a forwarded message steers only the turn that it was forwarded to',
    crowd: true,
    edits: [drop('forwarded-message-steers-its-turn'), drop('forwarded-message-needs-worker')],
  },
  {
    name: 'forward-unrecorded',
    breaks: 'a message is recorded as forwarded on its own lane first',
    crowd: true,
    edits: [replace('forward-recorded-first', '{ ok: true }')],
  },
  {
    name: 'accepted-on-two-lanes',
    breaks: 'a forwarded message is not accepted on its own lane as well',
    crowd: true,
    edits: [drop('forwarded-message-not-accepted-here')],
  },
  {
    name: 'return-too-early',
    breaks: 'a message returns only when it can no longer arrive at its target',
    crowd: true,
    edits: [replace('return-after-target-turn-ended', ({ alternate }) => alternate)],
  },
  {
    name: 'outcome-to-target-only',
    breaks: 'the outcome of a forwarded message is reported to its sender',
    crowd: true,
    edits: [replace('outcome-reaches-sender', ({ consequent }) => consequent)],
  },
  {
    name: 'forwarded-forgotten-unreported',
    breaks: 'a forwarded message is remembered until its sender received its outcome',
    crowd: true,
    edits: [drop('forwarded-kept-until-reported')],
  },
  {
    name: 'outcome-received-by-anyone',
    breaks: 'an outcome is forgotten when its sender received it, not when another device did',
    crowd: true,
    edits: [replace('outcome-received-by-sender', ({ consequent }) => consequent.replace(' = ', ' ||= '))],
  },
  {
    name: 'forwarded-forgotten-while-pending',
    breaks: 'a forwarded message is remembered until its outcome is known',
    crowd: true,
    edits: [replace('forwarded-kept-while-pending', 'true')],
  },
  {
    name: 'forwarded-not-settled',
    breaks: 'a client that was away receives the outcomes of its forwarded messages',
    crowd: true,
    edits: [drop('forwarded-settled-on-return')],
  },
  {
    name: 'cancel-on-own-lane-only',
    breaks: 'a message is withdrawn from any connection of its session',
    crowd: true,
    edits: [drop('cancel-from-any-connection')],
  },
  {
    name: 'discard-unread-waiting',
    breaks: 'an abort discards waiting messages as they were read',
    edits: [drop('discard-needs-waiting-as-read')],
  },
];
