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
  'ping',
  'always',
] as const;
export type Group = (typeof GROUPS)[number];

interface Named {
  /** Begins with its group. */
  name: `${Group}-${string}`;
  /** The promise of the protocol that it is about (P1 to P14), or `wire` for the form of frames alone. */
  promise: string;
  /** What it demands, in one line. */
  says: string;
}

/** Sets up a situation of its own, in a session of its own. */
export interface Scenario extends Named {
  /** @throws {Broken} when the rule does not hold. @throws {Skipped} when its situation did not come about. */
  run(server: Server): Promise<void>;
}

/** Holds for every connection of the run, whatever it was about. */
export interface Watch extends Named {
  /** @throws {Broken} @throws {Skipped} */
  judge(recordings: readonly Recording[]): void;
}

export type Rule = Scenario | Watch;

export const groupOf = ({ name }: Named): Group => name.slice(0, name.indexOf('-')) as Group;
