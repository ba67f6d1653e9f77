import { useInsertionEffect, useMemo, useSyncExternalStore } from 'react';
import type { Chat } from '../index.ts';
import { HeldChat, type UseMidturnOptions } from './held-chat.ts';

export type { UseMidturnOptions };

/**
 * The chat of a session, open from the component's first effect until it unmounts, or until `sessionId` or `options.url` changes. Each call
 * holds a connection of its own: call it once, and hand the chat on. The component does not render when the conversation goes
 * on: `useChatState` reads it where it is shown.
 *
 * @returns undefined on a server, and in the first render of a session
 */
export function useMidturnChat(sessionId: string, options: UseMidturnOptions): Chat | undefined {
  return useChatOf(useHeldChat(sessionId, options));
}

export function useHeldChat(sessionId: string, options: UseMidturnOptions): HeldChat {
  const { url } = options;
  const held = useMemo(() => new HeldChat({ url, sessionId }), [url, sessionId]);
  // Before all other effects, which can open the chat.
  useInsertionEffect(() => held.use(options));
  return held;
}

export function useChatOf(held: HeldChat): Chat | undefined {
  return useSyncExternalStore(held.hold, held.get, nothing);
}

const nothing = () => undefined;
