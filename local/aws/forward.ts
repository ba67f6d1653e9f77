import { Agent, type IncomingMessage, request as openRequest, type ServerResponse } from 'node:http';
import { request as openSecureRequest } from 'node:https';

/** A server to which requests are forwarded. */
export interface Upstream {
  /**
   * Forwards a request and its answer, unbuffered, so that streams keep streaming. Calls `done` at the end.
   * @param body the part of the request that was read already, if any
   */
  pass(
    request: IncomingMessage,
    response: ServerResponse,
    body: Buffer | undefined,
    done: (result: { requestBytes: number; responseBytes: number }) => void,
  ): void;
  close(): void;
}

/** Hop-by-hop headers: they describe a connection, not the request. */
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'host', 'transfer-encoding', 'expect']);

/** @param endpoint `http://127.0.0.1:1234`, with or without a path */
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
          // An answer that breaks off there breaks off here, so that the caller does not take a part for the whole.
          answer.once('error', () => response.destroy());
          answer.pipe(response);
        },
      );
      passed.once('error', () => {
        // The caller sees a service that is down, and retries.
        if (response.headersSent) response.destroy();
        else response.writeHead(503).end();
      });
      response.once('close', () => {
        // The caller is gone, so nobody reads the answer.
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
