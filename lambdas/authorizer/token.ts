/** The parts of a handshake that may carry a token. A browser can set only the last two. */
export interface Handshake {
  headers?: Record<string, string | undefined> | null;
  queryStringParameters?: Record<string, string | undefined> | null;
}

const PROTOCOL_PREFIX = 'bearer.';

/**
 * Returns the first non-empty token of: the `Authorization: Bearer` header, a `bearer.<token>` entry of
 * `Sec-WebSocket-Protocol`, the `token` query parameter.
 */
export function tokenOf({ headers, queryStringParameters }: Handshake): string | undefined {
  const header = (name: string) =>
    Object.entries(headers ?? {}).find(([key]) => key.toLowerCase() === name)?.[1] ?? '';
  const bearer = /^Bearer +(\S+)$/i.exec(header('authorization').trim())?.[1];
  const entry = header('sec-websocket-protocol')
    .split(',')
    .map((protocol) => protocol.trim())
    .find((protocol) => protocol.startsWith(PROTOCOL_PREFIX) && protocol.length > PROTOCOL_PREFIX.length);
  return bearer || entry?.slice(PROTOCOL_PREFIX.length) || queryStringParameters?.token || undefined;
}
