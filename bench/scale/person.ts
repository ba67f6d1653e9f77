import type { Scenario } from './scenarios.ts';

/** Somebody with one session and one connection. Times are in milliseconds from the begin of the load. */
export interface Person {
  arrivedAt: number;
  turnsLeft: number;
  isConnected: boolean;
  dials: number;
  /** Of a frame that was refused, by the call. */
  repeats: number[];
  /** Of calls to the table, by the call; the last one is of the turn. */
  attempts: number[];
  /** When a post was refused for the first time, by the call and of the turn; -1 if none is. */
  postingSince: number[];
  /** When the message that waits was sent for the first time; it was not, while its connection was closed. */
  sentAt: number;
  isHeldBack: boolean;
  /** When its turn must have begun, unless it has. */
  lateAt: number;
  /** Tokens in the queue whose turn was refused. */
  stale: number;
  /** The stretch of the turn that is next; -1 for a token without a turn. */
  stretch: number;
  isPosted: boolean;
  /** The turn lost its worker, and needs another one. */
  isLost: boolean;
  textAt: number;
}

export const personOf = ({ turns }: Scenario, arrivedAt: number): Person => ({
  arrivedAt,
  turnsLeft: turns,
  isConnected: false,
  dials: 0,
  repeats: [0, 0, 0, 0],
  attempts: [0, 0, 0, 0, 0],
  postingSince: [-1, -1, -1, -1, -1],
  sentAt: -1,
  isHeldBack: false,
  lateAt: -1,
  stale: 0,
  stretch: -1,
  isPosted: true,
  isLost: false,
  textAt: -1,
});
