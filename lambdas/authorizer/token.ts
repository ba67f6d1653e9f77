/** The parts of a handshake that may carry a token. A browser can set only the last two. */
export interface Handshake {
  headers?: Record<string, string | undefined> | null;
  queryStringParameters?: Record<string, string | undefined> | null;
}

/** Entries of `Sec-WebSocket-Protocol` that carry a token: as it is, and in base64url. */
const PLAIN = 'bearer.';
const ENCODED = 'bearer64.';

/**
 * Returns the first non-empty token of: the `Authorization: Bearer` header, an entry `bearer.<token>` of
 * `Sec-WebSocket-Protocol`, an entry `bearer64.<token in base64url>`, the `token` query parameter. Empty if an encoded one
 * cannot be decoded.
 */
export function tokenOf({ headers, queryStringParameters }: Handshake): string | undefined {
  const bearer = /^Bearer +(\S+)$/i.exec(headerOf(headers, 'authorization').trim())?.[1];
  const offered = headerOf(headers, 'sec-websocket-protocol')
    .split(',')
    .map((protocol) => protocol.trim());
  const entry = (prefix: string) =>
    offered.find((protocol) => protocol.startsWith(prefix) && protocol !== prefix)?.slice(prefix.length);
  const encoded = entry(ENCODED);
  return (
    bearer ||
    entry(PLAIN) ||
    (encoded === undefined ? queryStringParameters?.token || undefined : decoded(encoded))
  );
}

/** Empty for anything but the one way in which a text is written. */
function decoded(written: string): string {
  const bytes = Buffer.from(written, 'base64url');
  const text = bytes.toString('utf8');
  return bytes.toString('base64url') === written && Buffer.from(text, 'utf8').equals(bytes) ? text : '';
}

/** A header by its name in lower case. Empty if it is missing. */
export const headerOf = (headers: Handshake['headers'], name: string): string =>
  Object.entries(headers ?? {}).find(([key]) => key.toLowerCase() === name)?.[1] ?? '';
