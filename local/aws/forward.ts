import { Agent, type IncomingMessage, request as openRequest, type ServerResponse } from 'node:http';
import { request as openSecureRequest } from 'node:https';

/** Another server that answers a request in this one's place. */
export interface Upstream {
  /**
   * Passes a request on and its answer back, unbuffered, so that a stream stays one. Calls `done` once it is over.
   * @param body what of the request was read already; absent: nothing was.
   */
  pass(
    request: IncomingMessage,
    response: ServerResponse,
    body: Buffer | undefined,
    done: (result: { requestBytes: number; responseBytes: number }) => void,
  ): void;
  close(): void;
}

/** These speak of one connection, not of the request. */
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'host', 'transfer-encoding', 'expect']);

/** @param endpoint `http://127.0.0.1:1234`, also with a path. */
export function createUpstream(endpoint: string): Upstream {
  const base = new URL(endpoint);
  const secure = base.protocol === 'https:';
  const agent = secure ? undefined : new Agent({ keepAlive: true });
  const prefix = base.pathname.replace(/\/$/, '');
  return {
    pass(request, response, body, done) {
      const headers = Object.fromEntries(
        Object.entries(request.headers).filter(([name]) => !HOP_BY_HOP.has(name)),
      );
      let requestBytes = body?.length ?? 0;
      let responseBytes = 0;
      const open = secure ? openSecureRequest : openRequest;
      const passed = open(
        {
          host: base.hostname,
          port: base.port,
          method: request.method,
          path: `${prefix}${request.url ?? '/'}`,
          headers: body ? { ...headers, 'content-length': body.length } : headers,
          ...(agent && { agent }),
        },
        (answer) => {
          const answered = Object.entries(answer.headers).filter(([name]) => !HOP_BY_HOP.has(name));
          response.writeHead(answer.statusCode ?? 502, Object.fromEntries(answered));
          answer.on('data', (chunk: Buffer) => {
            responseBytes += chunk.length;
          });
          // Cut short there is cut short here: the caller must not take a part for the whole.
          answer.once('error', () => response.destroy());
          answer.pipe(response);
        },
      );
      passed.once('error', () => {
        // The caller sees what it would see of a service that is gone, and repeats.
        if (response.headersSent) response.destroy();
        else response.writeHead(503).end();
      });
      response.once('close', () => {
        // Also when the caller went away: nobody reads on.
        if (!response.writableFinished) passed.destroy();
        done({ requestBytes, responseBytes });
      });
      if (body) {
        passed.end(body);
        return;
      }
      request.on('data', (chunk: Buffer) => {
        requestBytes += chunk.length;
      });
      request.pipe(passed);
    },
    close: () => agent?.destroy(),
  };
}
