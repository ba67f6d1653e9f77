import type { Random } from '../../test/simulation/random.ts';

/** People who come, and what each of them does. Times are in milliseconds. */
export interface Scenario {
  name: string;
  about: string;
  people: number;
  /** When the last of them has come. */
  lastsMs: number;
  /** When somebody comes, of `lastsMs` as a fraction, for a number that is evenly spread from 0 to 1. */
  arrival(spread: number): number;
  /** Reference turns of each person. */
  turns: number;
  /** From an answer to the next message, on average. */
  thinksMs: number;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Most come in the middle, and twice as many there as on average. */
const inTheMiddle = (spread: number): number =>
  spread < 0.5 ? Math.sqrt(spread / 2) : 1 - Math.sqrt((1 - spread) / 2);

export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'morning',
    about: '100,000 people come within an hour, most of them in its middle; each has three turns',
    people: 100_000,
    lastsMs: HOUR,
    arrival: inTheMiddle,
    turns: 3,
    thinksMs: 60 * SECOND,
  },
  {
    name: 'push',
    about: 'a push notification: 20,000 people come within a minute; each has two turns',
    people: 20_000,
    lastsMs: MINUTE,
    arrival: (spread) => spread,
    turns: 2,
    thinksMs: 60 * SECOND,
  },
  {
    name: 'spread push',
    about: 'the same push, sent over five minutes',
    people: 20_000,
    lastsMs: 5 * MINUTE,
    arrival: (spread) => spread,
    turns: 2,
    thinksMs: 60 * SECOND,
  },
  {
    name: 'day',
    about: '100,000 people come within 24 hours, most of them in the middle of the day; each has three turns',
    people: 100_000,
    lastsMs: 24 * HOUR,
    arrival: inTheMiddle,
    turns: 3,
    thinksMs: 60 * SECOND,
  },
];

/** Somebody reads, and writes: at least a few seconds, often longer. */
export const think = ({ thinksMs }: Pick<Scenario, 'thinksMs'>, random: Random): number =>
  5 * SECOND - (thinksMs - 5 * SECOND) * Math.log(1 - random.next());
