import { shortened } from '../../protocol/text.ts';
import { REMOVED_TOKEN } from '../tools/lent-token.ts';

/** Of what a server says of its progress. It is stored and sent to clients. */
const MAX_MESSAGE = 500;

/** A progress token, and the user's token that the request had, which the server may quote. */
export interface Asked {
  progressToken: unknown;
  userToken: string | undefined;
}

export const PROGRESS = 'notifications/progress';

/**
 * What a message of a server says of the progress of a call: `progress`, and `total` and `message` where the server gives them. Undefined:
 * nothing.
 *
 * Source: "Progress", Model Context Protocol 2026-07-28.
 */
export function progressOf(
  { method, params }: Readonly<Record<string, unknown>>,
  { progressToken, userToken }: Asked,
): object | undefined {
  const { progressToken: of, progress, total, message } = { ...(params as Record<string, unknown>) };
  if (method !== PROGRESS || of !== progressToken || typeof progress !== 'number') return undefined;
  return {
    progress,
    ...(typeof total === 'number' && { total }),
    ...(typeof message === 'string' && { message: shortened(without(userToken, message), MAX_MESSAGE) }),
  };
}

/** Before it is cut: a part of a token is one too. */
const without = (token: string | undefined, text: string): string =>
  token ? text.replaceAll(token, REMOVED_TOKEN) : text;
