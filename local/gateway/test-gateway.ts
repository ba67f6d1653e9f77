import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import type { ConnectEvent, DisconnectEvent, MessageEvent } from './events.ts';
import { createGateway } from './gateway.ts';
import type { AuthorizerTarget, Gateway, GatewayLimits, Invoke } from './types.ts';

export type RouteEvent = ConnectEvent | MessageEvent | DisconnectEvent;

export interface TestGateway {
  gateway: Gateway;
  server: Server;
  /** `ws://127.0.0.1:port/local`. */
  url: string;
  /** `http://127.0.0.1:port/local`: the endpoint for the SDK's client. */
  endpoint: string;
  logs: string[];
}

export interface TestGatewayOptions {
  routes?: Readonly<Record<string, Invoke>>;
  authorizer?: AuthorizerTarget;
  acceptsHandshake?: () => boolean;
  limits?: Partial<GatewayLimits>;
  timeoutMs?: number;
  routeSelectionExpression?: string;
  refusal?: (request: IncomingMessage) => string | undefined;
}

export const ok: Invoke = async () => ({ statusCode: 200 });

/** A gateway on its own port, closed after the test. */
export async function startGateway(options: TestGatewayOptions = {}): Promise<TestGateway> {
  const logs: string[] = [];
  const routes = Object.entries(options.routes ?? { $default: ok });
  const gateway = createGateway(
    {
      apiId: 'abc123def4',
      stage: 'local',
      region: 'eu-central-1',
      accountId: '123456789012',
      routeSelectionExpression: options.routeSelectionExpression ?? '$request.body.type',
      routes: new Map(
        routes.map(([key, invoke]) => [key, { invoke, timeoutMs: options.timeoutMs ?? 29_000 }] as const),
      ),
      ...(options.authorizer === undefined ? {} : { authorizer: options.authorizer }),
      ...(options.acceptsHandshake && { acceptsHandshake: options.acceptsHandshake }),
    },
    {
      ...(options.limits === undefined ? {} : { limits: options.limits }),
      ...(options.refusal && { refusal: options.refusal }),
      log: (line) => logs.push(line),
    },
  );
  const server = createServer((request, response) => {
    if (!gateway.handleManagement(request, response)) response.writeHead(404).end('not the gateway');
  });
  gateway.attach(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  onTestFinished(async () => {
    await gateway.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return {
    gateway,
    server,
    url: `ws://127.0.0.1:${port}/local`,
    endpoint: `http://127.0.0.1:${port}/local`,
    logs,
  };
}

/** Collects values, and lets a test wait for the nth of them. */
export interface Recorder<T> {
  readonly taken: T[];
  take(value: T): void;
  /** Resolves to the value at this position when it arrives. */
  at(position: number): Promise<T>;
}

export function recorder<T>(): Recorder<T> {
  const taken: T[] = [];
  const waiting: { position: number; resolve: (value: T) => void }[] = [];
  return {
    taken,
    take(value) {
      for (const { position, resolve } of waiting) if (position === taken.length) resolve(value);
      taken.push(value);
    },
    at(position) {
      const value = taken[position];
      if (value !== undefined) return Promise.resolve(value);
      return new Promise((resolve) => waiting.push({ position, resolve }));
    },
  };
}

/** A function that records its events and answers 200. */
export function recording<T extends RouteEvent>(into: Recorder<T>): Invoke {
  return async (event) => {
    into.take(event as T);
    return { statusCode: 200 };
  };
}

/** A promise that the test resolves. */
export function gate(): { opened: Promise<void>; open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: resolve };
}
