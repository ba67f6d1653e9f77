import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Log } from '../log.ts';
import { createVisitors, type Visitors } from '../visitors.ts';
import type { AccessKey } from './access-key.ts';
import { readBody, replay } from './json-body.ts';
import { type Refusal, refuse } from './refusals.ts';
import { isSignedBy, readSignature } from './signature.ts';

/**
 * Keeps a server's port for the holder of one key. Browsers, and programs that sign with another key, are refused: the
 * servers behind it check no signature.
 * @returns the server's own listener, for requests that were checked elsewhere
 */
export function keepPrivate(server: Server, key: AccessKey, service: string, log: Log): RequestListener {
  const listeners = server.listeners('request') as RequestListener[];
  const serve: RequestListener = (request, response) => {
    for (const listener of listeners) listener.call(server, request, response);
  };
  let visitors: Visitors | undefined;

  async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const no = (refusal: Refusal) => {
      request.resume();
      refuse(response, service, refusal);
    };
    visitors ??= createVisitors({ port: (server.address() as AddressInfo).port, origins: [], log });
    const why = visitors.refusal(request);
    if (why !== undefined) {
      request.resume();
      response.writeHead(403, { 'content-type': 'text/plain; charset=utf-8' }).end(why);
      return;
    }
    const signature = readSignature(request);
    if (!signature) return no({ kind: 'no-signature' });
    if (signature.accessKeyId !== key.accessKeyId) return no({ kind: 'unknown-key' });
    const body = await readBody(request);
    if (!body) return no({ kind: 'malformed' });
    if (!isSignedBy(key.secretAccessKey, request, body, signature)) return no({ kind: 'wrong-signature' });
    serve(replay(request, body), response);
  }

  server.removeAllListeners('request');
  server.on('request', (request, response) => void receive(request, response));
  return serve;
}
