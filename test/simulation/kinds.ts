/** What happens in a history beside the usual, where it is asked for. */
export interface Kinds {
  /** Three devices that steer one another's turns, cancel one another's messages, and repeat messages. */
  crowd?: boolean | undefined;
  /** Tools that need approval, with a short time-out. */
  approvals?: boolean | undefined;
  /** Messages with options, some of which do not fit, and an agent that prepares each turn. */
  contexts?: boolean | undefined;
  /** Tools show their progress and send data. */
  shows?: boolean | undefined;
  /** A tool asks another agent. */
  subagents?: boolean | undefined;
  /** A model writes the titles of sessions. */
  titles?: boolean | undefined;
  /** Devices run a tool. */
  clients?: boolean | undefined;
  /** The agent has hooks. */
  hooks?: boolean | undefined;
  /** The application sends messages by itself. */
  outside?: boolean | undefined;
  /** Devices fork the session. */
  forks?: boolean | undefined;
}

const ALL: Readonly<Record<keyof Kinds, true>> = {
  crowd: true,
  approvals: true,
  contexts: true,
  shows: true,
  subagents: true,
  titles: true,
  clients: true,
  hooks: true,
  outside: true,
  forks: true,
};
export const KINDS = Object.keys(ALL) as readonly (keyof Kinds)[];

/** The kinds of all of these together, and nothing else of them. */
export const kindsOf = (...asked: readonly Kinds[]): Kinds =>
  Object.fromEntries(KINDS.map((kind) => [kind, asked.some((one) => one[kind] === true)]));
