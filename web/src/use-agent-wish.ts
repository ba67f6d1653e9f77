import { useCallback, useEffect, useState } from 'react';
import type { Chat, ChatState } from '../../client/index.ts';
import { keptInTab } from './kept.ts';

const keyOf = (sessionId: string): string => `midturn:agent:${sessionId}`;

/** The agent that this tab asks for in a session, if it asks for one. */
export const readWish = (sessionId: string): string | undefined =>
  keptInTab.getItem(keyOf(sessionId)) ?? undefined;

function keepWish(sessionId: string, agent: string | undefined): void {
  if (agent === undefined) keptInTab.removeItem(keyOf(sessionId));
  else keptInTab.setItem(keyOf(sessionId), agent);
}

/**
 * The agent that this tab asks for in a session without one, and how to ask for another. It is stored with the tab, as the tab's unsent
 * messages are: after a reload they ask for the same agent. A session that was given another one is not asked any more.
 */
export function useAgentWish(
  chat: Chat,
  { sessionId, agent }: Pick<ChatState, 'sessionId' | 'agent'>,
): { wish: string | undefined; choose: (agent: string | undefined) => void } {
  const [wish, setWish] = useState(() => readWish(sessionId));
  const choose = useCallback(
    (chosen: string | undefined) => {
      keepWish(sessionId, chosen);
      setWish(chosen);
      chat.chooseAgent(chosen);
    },
    [chat, sessionId],
  );
  const isVain = wish !== undefined && agent !== undefined && wish !== agent;
  useEffect(() => {
    if (isVain) choose(undefined);
  }, [isVain, choose]);
  return { wish, choose };
}
