import { Agent, type IncomingMessage, request as openRequest, type ServerResponse } from 'node:http';
import { request as openSecureRequest } from 'node:https';

/** A server to which requests are forwarded. */
export interface Upstream {
  /**
   * Forwards a request and its answer, which is not buffered, so that streams keep streaming. Calls `done` at the end.
   * @param body of the request, which was read already
   */
  pass(
    request: IncomingMessage,
    response: ServerResponse,
    body: Buffer,
    done: (result: { requestBytes: number; responseBytes: number }) => void,
  ): void;
  close(): void;
}

/** Hop-by-hop headers: they describe a connection, not the request. */
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'host', 'transfer-encoding', 'expect']);

/**
 * @param endpoint `http://127.0.0.1:1234`, with or without a path
 * @param failed is told what the server says with a status of 400 and above
 */
export function createUpstream(endpoint: string, failed: (text: string) => void = () => {}): Upstream {
  const base = new URL(endpoint);
  const secure = base.protocol === 'https:';
  const agent = secure ? undefined : new Agent({ keepAlive: true });
  const prefix = base.pathname.replace(/\/$/, '');
  return {
    pass(request, response, body, done) {
      const headers = Object.fromEntries(
        Object.entries(request.headers).filter(([name]) => !HOP_BY_HOP.has(name)),
      );
      let responseBytes = 0;
      const open = secure ? openSecureRequest : openRequest;
      const passed = open(
        {
          host: base.hostname,
          port: base.port,
          method: request.method,
          path: `${prefix}${request.url ?? '/'}`,
          headers: { ...headers, 'content-length': body.length },
          ...(agent && { agent }),
        },
        (answer) => {
          const answered = Object.entries(answer.headers).filter(([name]) => !HOP_BY_HOP.has(name));
          response.writeHead(answer.statusCode ?? 502, Object.fromEntries(answered));
          const isFailure = (answer.statusCode ?? 502) >= 400;
          answer.on('data', (chunk: Buffer) => {
            responseBytes += chunk.length;
            if (isFailure) failed(chunk.toString());
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
        done({ requestBytes: body.length, responseBytes });
      });
      passed.end(body);
    },
    close: () => agent?.destroy(),
  };
}
