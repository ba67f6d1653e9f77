import type { Content } from '../content.ts';
import { type Core, expiry } from '../core.ts';
import type { SessionKey, TurnId } from '../ids.ts';
import { type MessageContext, parseContext } from '../message-context.ts';
import type { PendingMessage } from '../store/items.ts';
import { contentKey } from '../store/keys.ts';

/**
 * Content of pending messages, with their context, that is stored apart from their lane. It is put before its message is
 * accepted, and removed when the message is refused, withdrawn or applied. What a function that dies in between leaves expires
 * with the lane, or is removed with the session.
 */

export const putContent = (
  core: Core,
  session: SessionKey,
  turn: TurnId,
  said: { content: Content; context?: string },
): Promise<void> => core.store.put(contentKey(session, turn), { ...said, expires: expiry(core).lane });

/** Undefined: it is gone. */
export async function readContent(
  core: Pick<Core, 'store'>,
  session: SessionKey,
  { content, context, turn }: PendingMessage,
): Promise<{ content: Content; context: MessageContext } | undefined> {
  const said =
    content === undefined
      ? await core.store.get(contentKey(session, turn))
      : { content, ...(context !== undefined && { context }) };
  return said && { content: said.content, context: parseContext(said.context) };
}

/** Removes what is stored apart of messages that are no longer pending. */
export async function removeContents(
  core: Pick<Core, 'store' | 'log'>,
  session: SessionKey,
  messages: Iterable<Pick<PendingMessage, 'turn' | 'size'>>,
): Promise<void> {
  const apart = [...messages].filter(({ size }) => size !== undefined);
  const removals = await Promise.allSettled(
    apart.map(({ turn }) => core.store.delete(contentKey(session, turn))),
  );
  for (const removal of removals) {
    // No message refers to it, and it expires: nothing else has to fail with it.
    if (removal.status === 'rejected')
      core.log.warn('the content of a message was not removed', { error: String(removal.reason) });
  }
}
