import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join, resolve, sep } from 'node:path';
import { pageHeaders } from '../infra/page-headers.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
};

/**
 * Serves a built page from `folder`: its files, `index.html` for every address without an extension, and `config.json`, which
 * names the WebSocket.
 * @param path the path of the WebSocket, on the page's own host
 * @param files the origin of the sessions' files
 */
export function createPageHandler(
  folder: string,
  path: string,
  files?: string,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  return async (request, response) => {
    // By the name that the browser used: the page connects to the same.
    const headers = pageHeaders(`ws://${request.headers.host}${path}`, files);
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      respond(response, 405, TYPES['.json'], '{"message":"Method Not Allowed"}');
      return;
    }
    const asked = decodePath(request.url ?? '/');
    const file = asked === undefined ? undefined : resolve(folder, `.${asked}`);
    if (file === undefined || !(file === folder || file.startsWith(folder + sep))) {
      respond(response, 400, 'text/plain; charset=utf-8', 'No such address.');
      return;
    }
    // The deployment makes it too, whatever the folder has (infra/page-upload.ts).
    if (file === join(folder, 'config.json')) {
      respond(response, 200, TYPES['.json'], JSON.stringify({ url: path }));
      return;
    }
    const extension = extname(file);
    const body = extension ? await readFile(file).catch(() => undefined) : undefined;
    if (body) {
      respond(response, 200, TYPES[extension] ?? 'application/octet-stream', body);
      return;
    }
    if (extension && extension !== '.html') {
      respond(response, 404, 'text/plain; charset=utf-8', 'No such file.');
      return;
    }
    const index = await readFile(join(folder, 'index.html')).catch(() => undefined);
    if (index) respond(response, 200, TYPES['.html'], index);
    else
      respond(
        response,
        503,
        'text/plain; charset=utf-8',
        'The page is not built: run npm run build, then reload.',
      );
  };
}

function decodePath(url: string): string | undefined {
  try {
    return decodeURIComponent(new URL(url, 'http://page').pathname);
  } catch {
    return undefined;
  }
}

function respond(response: ServerResponse, status: number, type = '', body: string | Buffer): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-cache' });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}
