import type { Gate } from '../support/model-server.ts';
import type { WsClient } from '../support/ws-client.ts';
import type { Outside } from './outside.ts';
import type { TourQueues } from './queues.ts';

/** One walk through one scene: what it opens is closed when it is left, wherever it stands. */
export interface Visit {
  readonly session: string;
  /** The session as the tokens of its turns name it. */
  readonly sessionKey: string;
  /** One that is silent is told of its session all the same. */
  connect(options?: { isSilent?: boolean }): Promise<WsClient>;
  /** From now on, nothing arrives at this client, and posts to it are not answered. */
  vanish(client: WsClient): void;
  /** From now on, each post takes this long, until the visit is left. */
  slowPosts(ms: number): void;
  /** Ends all environments of a function, wherever they stand. */
  kill(name: string): Promise<void>;
  /** Has the model stop in mid-answer when the person says this; leaving opens it. */
  hold(content: string): Gate;
  readonly queues: TourQueues;
  /** The session as the application reaches it. */
  readonly outside: Outside;
  /** Makes a request of the HTTP API about the session: `POST /messages`. */
  request(route: string, body?: object): Promise<void>;
  /** Settles when a function has made this call, counted from the beginning of the visit. */
  heard(name: string, operation: string): Promise<void>;
  /** Whether it has made the call already. */
  hasHeard(name: string, operation: string): boolean;
  leave(): void;
}

export interface Scene {
  name: string;
  /** Resolves once all of it has happened. */
  play(visit: Visit): Promise<void>;
}
