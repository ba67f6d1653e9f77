import type { IncomingMessage } from 'node:http';

/** An upgrade request in the form of API Gateway's events. */
export interface HandshakeRequest {
  /** Decoded, without a trailing slash. Undefined for an invalid URL. */
  path: string | undefined;
  urlLength: number;
  /** Names as the client wrote them. Of several values, the last. */
  headers: Record<string, string>;
  multiValueHeaders: Record<string, string[]>;
  query: Record<string, string>;
  multiValueQuery: Record<string, string[]>;
  host: string;
  sourceIp: string;
  userAgent: string | undefined;
}

export function readHandshakeRequest(request: IncomingMessage): HandshakeRequest {
  const target = request.url ?? '/';
  const url = parseTarget(target);
  const multiValueHeaders = headersOf(request);
  const multiValueQuery = url === undefined ? {} : group(url.searchParams);
  return {
    path: url === undefined ? undefined : pathOf(url),
    urlLength: target.length,
    headers: lastValues(multiValueHeaders),
    multiValueHeaders,
    query: lastValues(multiValueQuery),
    multiValueQuery,
    host: request.headers.host ?? '',
    sourceIp: addressOf(request),
    userAgent: request.headers['user-agent'],
  };
}

function parseTarget(target: string): URL | undefined {
  // Not parsed as a relative URL, because `//name/path` would name another host.
  return URL.canParse(`http://gateway${target}`) ? new URL(`http://gateway${target}`) : undefined;
}

/** Decodes a path. Undefined if its escapes are malformed. */
export function decodePath(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}

function pathOf(url: URL): string | undefined {
  return decodePath(url.pathname)?.replace(/(?<=.)\/$/, '');
}

function addressOf(request: IncomingMessage): string {
  return (request.socket.remoteAddress ?? '').replace(/^::ffff:/, '');
}

function headersOf(request: IncomingMessage): Record<string, string[]> {
  const pairs: [string, string][] = [];
  for (let i = 0; i + 1 < request.rawHeaders.length; i += 2) {
    pairs.push([request.rawHeaders[i] ?? '', request.rawHeaders[i + 1] ?? '']);
  }
  // API Gateway adds these headers to every request. It terminates TLS, so port and protocol are always the same. To the
  // addresses that a proxy names, it adds the proxy's own.
  const isForwardedFor = ([name]: readonly [string, string]) => name.toLowerCase() === 'x-forwarded-for';
  const hops = [...pairs.filter(isForwardedFor).map(([, value]) => value), addressOf(request)];
  const others = pairs.filter((pair) => !isForwardedFor(pair));
  others.push(
    ['X-Forwarded-For', hops.join(', ')],
    ['X-Forwarded-Port', '443'],
    ['X-Forwarded-Proto', 'https'],
  );
  return group(others);
}

function group(pairs: Iterable<readonly [string, string]>): Record<string, string[]> {
  // A Map first, so that a name such as `__proto__` becomes an ordinary field.
  const groups = new Map<string, string[]>();
  for (const [name, value] of pairs) groups.set(name, [...(groups.get(name) ?? []), value]);
  return Object.fromEntries(groups);
}

function lastValues(values: Readonly<Record<string, readonly string[]>>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, list]) => [name, list.at(-1) ?? '']));
}
