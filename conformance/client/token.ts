import type { IncomingMessage } from 'node:http';

/** The token of a handshake, from the first place of 4.1.5 that has one. */
export function tokenOf({ headers, url = '' }: IncomingMessage): string | undefined {
  const [, bearer] = /^Bearer (.+)$/i.exec(headers.authorization ?? '') ?? [];
  if (bearer) return bearer;
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((one) => one.trim());
  const plain = offered.find((one) => one.startsWith('bearer.'))?.slice('bearer.'.length);
  if (plain) return plain;
  const encoded = offered.find((one) => one.startsWith('bearer64.'))?.slice('bearer64.'.length);
  if (encoded) return Buffer.from(encoded, 'base64url').toString();
  return new URL(url, 'ws://kit').searchParams.get('token') ?? undefined;
}
