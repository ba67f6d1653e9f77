import type { Chat, ChatState } from '../index.ts';
import { useStore } from './use-store.ts';

/** The state of a chat, at most once per painted frame. */
export function useChatState(chat: Pick<Chat, 'transcript'>): ChatState {
  return useStore(chat.transcript);
}
