import type { Chat } from './chat.ts';
import { patient } from './patient.ts';
import { hostPlatform } from './platform.ts';

export interface ForkOptions {
  /**
   * A message of the user, by its id or by the number of its entry: the first that the fork does not have. Default: the fork has all turns that
   * have ended.
   */
  before?: string | number;
  /** The fork's name, shown in lists of sessions. Default: the server chooses one. */
  name?: string;
  /** The fork's id: 1 to 64 visible ASCII characters. A repeat with the same id gives the same fork. Default: a random id. */
  sessionId?: string;
}

/**
 * Makes a session of what was said in this chat's session before a message; that session stays as it is. It is asked for until it is answered,
 * also over a lost connection, when the server is asked too often, and after a reload by the same `sessionId`.
 *
 * @returns the fork's id
 * @throws {ServerReplyError} `ENTRY_NOT_FOUND`: the transcript has no such message of the user; `SESSION_NOT_FOUND`, `SESSION_EXISTS`,
 *   `FORK_TOO_LARGE`
 * @throws {ClosedError} when the chat is closed
 * @throws {TypeError} when `sessionId` is no id
 * @example
 * const sessionId = await forkSession(chat, { before: item.id });
 * createMidturn({ url, sessionId }).send('Make it cheaper, and by train.');
 */
export async function forkSession(
  chat: Pick<Chat, 'request' | 'sessionId'>,
  { before, name, sessionId = hostPlatform().newId() }: ForkOptions = {},
): Promise<string> {
  const frame = { type: 'fork', session_id: sessionId, from: chat.sessionId, before, name } as const;
  return (await patient(() => chat.request(frame))).session_id;
}
