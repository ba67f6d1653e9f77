import type { IncomingMessage } from 'node:http';
import { LOCAL_SETTINGS } from '../config/settings/local.ts';
import type { Log } from './log.ts';

/** Decides which requests a server on this machine answers. */
export interface Visitors {
  /** Why a request is refused: one sentence for its sender. Undefined: it is answered. */
  refusal(request: IncomingMessage): string | undefined;
}

interface VisitorOptions {
  /** The server's port. */
  port: number;
  /** Origins of pages that may send requests. Their hosts may stand for the server's own. */
  origins: readonly string[];
  log: Log;
}

/**
 * Names of this machine, which nobody else's address can have. They count with any port: a proxy or a tunnel in front of the
 * server has its own.
 */
const LOOPBACK = ['127.0.0.1', 'localhost', '[::1]'];

/** Different refusals that are logged. Whoever is refused chooses the names in them. */
const MAX_LOGGED = 100;

/**
 * Refuses what a page of somebody else sends from a browser on this machine. A browser lets any page send requests to
 * any address, and open a WebSocket to it. The server must look at three headers that no script can change:
 *
 * - `Host` is the name in the address. A foreign name that leads here (DNS rebinding) is the page's own origin to the
 *   browser, so the page could read every answer.
 * - `Origin` names the page. A browser sends it with each WebSocket handshake and each request by CORS. The origin of the
 *   server's own page is the address that the request went to.
 * - `Sec-Fetch-Site` tells where requests without an origin come from. A link to this server, opened in a tab, may come
 *   from anywhere.
 *
 * What is no browser sends neither of the last two.
 */
export function createVisitors({ port, origins, log }: VisitorOptions): Visitors {
  const hosts = new Set(origins.map((origin) => new URL(origin).host));
  const pages = new Set([...LOOPBACK.map((name) => new URL(`http://${name}:${port}`).origin), ...origins]);
  const logged = new Set<string>();

  function refusalOf({ headers, method }: IncomingMessage): string | undefined {
    const { host = '', origin } = headers;
    const setting = LOCAL_SETTINGS.localOrigins.name;
    const address = URL.parse(`http://${host}`);
    if (!address || !(LOOPBACK.includes(address.hostname) || hosts.has(address.host))) {
      return `${host || 'no name'} is not a name of this server. To use it from there, add its origin to ${setting}.`;
    }
    if (origin !== undefined) {
      if (pages.has(origin) || origin === address.origin) return undefined;
      return `Pages of ${origin} may not use this server. To allow them, add the origin to ${setting}.`;
    }
    const { 'sec-fetch-site': site, 'sec-fetch-mode': mode, 'sec-fetch-dest': destination } = headers;
    if (site === undefined || site === 'same-origin' || site === 'none') return undefined;
    if (method === 'GET' && mode === 'navigate' && destination === 'document') return undefined;
    return `Pages of other origins may not use this server. To allow them, add the origin to ${setting}.`;
  }

  return {
    refusal(request) {
      const why = refusalOf(request);
      if (why !== undefined && !logged.has(why) && logged.size < MAX_LOGGED) {
        logged.add(why);
        log({ level: 'error', source: 'visitors', text: why });
      }
      return why;
    },
  };
}
