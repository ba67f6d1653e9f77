import type { IncomingMessage, Server, ServerResponse } from 'node:http';

/** API Gateway could not invoke the function at all: its own configuration is at fault, not the function. */
export class InvocationRefused extends Error {
  override readonly name = 'InvocationRefused';
}

/**
 * Invokes one function of the local cloud and gives what its handler returned, or throws what Lambda would report.
 * @throws {InvocationRefused} if nobody lets API Gateway invoke it.
 */
export type Invoke = (event: unknown) => Promise<unknown>;

export interface RouteTarget {
  invoke: Invoke;
  /** API Gateway's integration time limit; at most 29 s. */
  timeoutMs: number;
}

export interface AuthorizerTarget {
  invoke: Invoke;
  /** As in the template, e.g. `route.request.header.Authorization`; empty: always ask the authorizer. */
  identitySources: readonly string[];
}

/** An API Gateway WebSocket API as its template describes it. */
export interface GatewayApi {
  apiId: string;
  stage: string;
  region: string;
  accountId: string;
  /** `$request.body.type` and the like. */
  routeSelectionExpression: string;
  /** By route key: `$connect`, `$disconnect`, `$default` and the others. */
  routes: ReadonlyMap<string, RouteTarget>;
  /** Asked at `$connect`, when the `$connect` route names one. */
  authorizer?: AuthorizerTarget;
}

/** API Gateway's quotas. They are values here so that tests can reach them in finite time. */
export interface GatewayLimits {
  frameBytes: number;
  messageBytes: number;
  idleMs: number;
  lifetimeMs: number;
  /** What may wait for a client that does not read; a post beyond it is answered 429. */
  sendBufferBytes: number;
}

/** A message that passed through a connection, in either direction. */
export interface Traffic {
  direction: 'in' | 'out';
  /** Of its text as UTF-8. */
  bytes: number;
}

export interface Gateway {
  /** Answers `/{stage}/@connections/{id}` (POST, GET, DELETE) and says whether the request was one of its own. */
  handleManagement(request: IncomingMessage, response: ServerResponse): boolean;
  /** Takes this server's upgrades: WebSockets on `/{stage}`, a refusal for every other path. */
  attach(server: Server): void;
  /** Ids of the open connections. */
  connections(): string[];
  /** Hears of every message that a client sent and that was handled, or that was sent to one. @returns a function that ends it. */
  onTraffic(listener: (traffic: Traffic) => void): () => void;
  /** Cuts a connection without a closing handshake, as a lost network does. `$disconnect` still follows. */
  cut(connectionId: string): void;
  /** Closes every connection with 1001 and waits for their `$disconnect` invocations. Takes no new ones. */
  close(): Promise<void>;
}

export type CreateGateway = (
  api: GatewayApi,
  options?: { limits?: Partial<GatewayLimits>; log?: (line: string) => void },
) => Gateway;
