import { useMemo } from 'react';
import type { Chat } from '../chat.ts';
import { type Question, questionsOf } from '../elicitation.ts';
import { type Store, useStore } from './use-store.ts';

const NONE: readonly Question[] = [];
const WITHOUT_CHAT: Store<readonly Question[]> = { subscribe: () => () => {}, getSnapshot: () => NONE };

/**
 * What MCP servers ask the user in the running turn, resolved questions too. Answer them with `answerQuestion` of
 * `midturn-client/elicitation`.
 *
 * @param chat undefined: as `chat` of `useMidturn` in its first render, and there are none
 * @example
 * const { chat } = useMidturn(sessionId, options);
 * const open = useQuestions(chat).filter(({ resolved }) => !resolved);
 */
export function useQuestions(chat: Pick<Chat, 'transcript' | 'turn'> | undefined): readonly Question[] {
  return useStore(useMemo(() => (chat ? questionsOf(chat) : WITHOUT_CHAT), [chat]));
}
