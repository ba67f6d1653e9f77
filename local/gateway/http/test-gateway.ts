import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import type { Invoke } from '../types.ts';
import type { HttpGatewayApi, HttpRouteTarget } from './api.ts';
import { createHttpGateway } from './gateway.ts';

interface Given {
  invoke?: Invoke;
  authorizer?: Invoke;
  timeoutMs?: number;
  api?: Partial<HttpGatewayApi>;
}

/** An API of two routes on its own port, whose function answers with its event unless it is told otherwise. */
export async function given({ invoke, authorizer, timeoutMs = 30_000, api }: Given = {}) {
  const events: Record<string, unknown>[] = [];
  const sources: string[] = [];
  const logs: string[] = [];
  const route = (key: string): HttpRouteTarget => {
    const [method = '', path = ''] = key.split(' ');
    return {
      key,
      method,
      parts: path.split('/').slice(1),
      timeoutMs,
      invoke: (source) => async (event) => {
        sources.push(source);
        events.push(event as Record<string, unknown>);
        return invoke ? invoke(event) : { statusCode: 200, body: 'ok' };
      },
      ...(authorizer && { authorizer }),
    };
  };
  const gateway = createHttpGateway(
    {
      apiId: 'api',
      stage: '$default',
      region: 'eu-central-1',
      accountId: '123456789012',
      routes: ['POST /api/things/{id}', 'GET /api/things/{id}', 'GET /api/things'].map(route),
      ...api,
    },
    (line) => logs.push(line),
  );
  const server = createServer((request, response) => {
    if (!gateway.handle(request, response)) response.writeHead(418).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    events,
    sources,
    logs,
    origin,
    ask: (path: string, init?: RequestInit) => fetch(`${origin}${path}`, init),
  };
}

export const told = async (response: Response) => [response.status, await response.json()];
