import type { Arrivals } from './arrivals.ts';

/** Where a peer's server is to run, and where its model answers. */
export interface Place {
  port: number;
  /** For what it keeps; the same after a restart. */
  folder: string;
  /** Ends in `/v1`. */
  modelUrl: string;
}

/** What a team could use: how its server is started, and how its own client speaks to it. */
export interface Peer {
  /** Also the key in the results. */
  name: string;
  /** How it is used here, in one line. */
  how: string;
  /** Whose versions are told. Empty for this project. */
  packages: readonly string[];
  /** Makes its server once, before it is started. */
  build?: Pick<Launch, 'args' | 'cwd'>;
  launch(place: Place): Launch;
  /** Folders that its server leaves beside its own files, to be deleted. */
  leftovers: readonly string[];
  open(host: string, id: string): Conversation;
  /** Another way to use it, measured by the reference turn alone. */
  variant?: { name: string; open(host: string, id: string): Conversation };
}

/** A Node process. */
export interface Launch {
  args: readonly string[];
  cwd: string;
  env: Readonly<Record<string, string>>;
  /** A path that answers once the server serves. */
  readyPath: string;
}

/** One user's client of one conversation. */
export interface Conversation {
  readonly arrivals: Arrivals;
  /** Connects, or comes back after a loss as the peer's own client would. */
  connect(): Promise<void>;
  /** Sends a message, also while an answer streams. */
  send(text: string): Promise<void>;
  /** All text of the assistant, as this client would show it now. */
  answer(): string;
  /** Whether this client knows of no answer that still comes. */
  isOver(): boolean;
  close(): void;
}
