import type { IncomingMessage, Server, ServerResponse } from 'node:http';

/** API Gateway could not invoke the function, because of the API's configuration. */
export class InvocationRefused extends Error {
  override readonly name = 'InvocationRefused';
}

/**
 * Invokes one function and returns its handler's result, or throws the error that Lambda would report.
 *
 * @param limit aborted when API Gateway waits no longer: an invocation that has not begun then does not begin
 * @throws {InvocationRefused} if no policy allows API Gateway to invoke it
 */
export type Invoke = (event: unknown, limit?: AbortSignal) => Promise<unknown>;

export interface RouteTarget {
  invoke: Invoke;
  /** API Gateway's integration time limit; at most 29 s. */
  timeoutMs: number;
}

export interface AuthorizerTarget {
  invoke: Invoke;
  /** As in the template, e.g. `route.request.header.Authorization`. Empty: always invoke the authorizer. */
  identitySources: readonly string[];
}

/** An API Gateway WebSocket API as its template describes it. */
export interface GatewayApi {
  apiId: string;
  stage: string;
  region: string;
  accountId: string;
  /** For example `$request.body.type`. */
  routeSelectionExpression: string;
  /** Integrations by route key: `$connect`, `$disconnect`, `$default` and others. */
  routes: ReadonlyMap<string, RouteTarget>;
  /** Invoked at `$connect`, if that route names it. */
  authorizer?: AuthorizerTarget;
  /** The throttle of `$connect`, if that route has one of its own: whether the next handshake is accepted. */
  acceptsHandshake?: () => boolean;
}

/** API Gateway's quotas, as values so that tests can lower them. */
export interface GatewayLimits {
  frameBytes: number;
  messageBytes: number;
  idleMs: number;
  lifetimeMs: number;
  /** Bytes that may wait for a client that does not read. A post beyond it is answered with 429. */
  sendBufferBytes: number;
}

/** A message of a connection, in either direction. */
export interface Traffic {
  direction: 'in' | 'out';
  /** Bytes of its text in UTF-8. */
  bytes: number;
}

export interface Gateway {
  /** Answers `/{stage}/@connections/{id}` (POST, GET, DELETE). Returns whether the request was one of its own. */
  handleManagement(request: IncomingMessage, response: ServerResponse): boolean;
  /** Handles this server's upgrades: WebSockets on `/{stage}`, a rejection on every other path. */
  attach(server: Server): void;
  /** Ids of the open connections. */
  connections(): string[];
  /**
   * Calls the observer for every handled message of a client and every message sent to one. @returns a function that
   * stops it
   */
  onTraffic(listener: (traffic: Traffic) => void): () => void;
  /** Cuts a connection without a closing handshake, like a lost network. `$disconnect` still follows. */
  cut(connectionId: string): void;
  /**
   * Lets a connection's client vanish without a word, like a phone without network. Its frames no longer arrive, and a
   * post to it gets no answer until its caller gives up. The connection stays open until a DELETE or a time limit.
   */
  hang(connectionId: string): void;
  /**
   * Lets each post take this many milliseconds from now on, 0 for as fast as possible. Posts that are under way at the
   * same time may arrive in another order. Five to ten milliseconds are usual on AWS.
   */
  slowPosts(ms: number): void;
  /** Closes every connection with 1001, waits for their `$disconnect` invocations, and accepts no new ones. */
  close(): Promise<void>;
}

export type CreateGateway = (
  api: GatewayApi,
  options?: {
    limits?: Partial<GatewayLimits>;
    log?: (line: string) => void;
    /** Why a handshake is refused before the API sees it, with 403. A deployed API has nothing like it. */
    refusal?: (request: IncomingMessage) => string | undefined;
  },
) => Gateway;
