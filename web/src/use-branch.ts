import { useCallback, useState } from 'react';
import { forkSession } from '../../client/fork.ts';
import { type Chat, type Content, ServerReplyError } from '../../client/index.ts';

/**
 * Goes on from before a message in a conversation of its own, a fork. The one that is shown stays as it is.
 * @param open shows a session, and says something there first
 */
export function useBranch(chat: Chat, open: (sessionId: string, content: Content) => void) {
  const [problem, setProblem] = useState<string>();
  const branch = useCallback(
    async (before: string, content: Content) => {
      setProblem(undefined);
      try {
        open(await forkSession(chat, { before }), content);
      } catch (error) {
        // The chat was closed meanwhile: another one is shown.
        if (error instanceof ServerReplyError) setProblem(`There is no new conversation: ${error.message}`);
      }
    },
    [chat, open],
  );
  return { branch, problem, forgetProblem: useCallback(() => setProblem(undefined), []) };
}
