import type { Recording, Server } from './server.ts';

export const GROUPS = [
  'handshake',
  'order',
  'steering',
  'delivery',
  'codes',
  'resume',
  'idempotency',
  'abort',
  'cancel',
  'history',
  'sessions',
  'ping',
  'always',
] as const;
type Group = (typeof GROUPS)[number];

/** The number of a point of docs/protocol.md. */
export type Point = `${number}.${number}.${number}`;

/** What a kit checks: of a server a rule, of a client a case. */
export interface Check {
  name: string;
  /** The promises of the protocol that it checks (P1 to P14), or `wire` if it checks the form of frames only. */
  promise: string;
  /** The points of docs/protocol.md that it checks. */
  points: readonly [Point, ...Point[]];
  /** What it demands, in one line. */
  says: string;
}

interface Named extends Check {
  /** Begins with its group. */
  name: `${Group}-${string}`;
}

/** Sets up a situation in a session of its own, and checks it. */
export interface Scenario extends Named {
  /** @throws {Broken} when the rule does not hold. @throws {Skipped} when the situation did not occur. */
  run(server: Server): Promise<void>;
}

/** Checks every connection of the run, whichever scenario opened it. */
export interface Watch extends Named {
  /** @throws {Broken} @throws {Skipped} */
  judge(recordings: readonly Recording[]): void;
}

export type Rule = Scenario | Watch;

/** The group of a rule or a case: how its name begins. */
export const groupOf = ({ name }: Check): string => name.slice(0, name.indexOf('-'));
