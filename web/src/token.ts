/**
 * The access token, for servers that require authentication. It is stored for this tab and this server only: not in the
 * address, which ends up in histories and logs, and it is never sent to another server.
 */
const keyOf = (server: string): string => `midturn:token:${server}`;

export function readToken(storage: Pick<Storage, 'getItem'>, server: string): string {
  return storage.getItem(keyOf(server)) ?? '';
}

export function keepToken(storage: Pick<Storage, 'setItem'>, server: string, token: string): void {
  storage.setItem(keyOf(server), token.trim());
}
