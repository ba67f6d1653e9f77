import { useEffect, useState } from 'react';
import {
  browserStorage,
  type Chat,
  createMidturn,
  type MidturnError,
  ServerReplyError,
} from '../../client/index.ts';
import { readToken } from './token.ts';
import { Trace } from './trace.ts';

export interface OpenChat {
  chat: Chat;
  trace: Trace;
}

/** The chat of one session, for as long as it is shown. Undefined for the moment before it is opened. */
export function useChat(
  server: string,
  sessionId: string,
): { open: OpenChat | undefined; trouble: string | undefined; forgetTrouble: () => void } {
  const [open, setOpen] = useState<OpenChat>();
  const [trouble, setTrouble] = useState<string>();
  useEffect(() => {
    const trace = new Trace();
    const chat = createMidturn({
      url: server,
      sessionId,
      deviceName: 'Midturn page',
      // Asked for at every connection: one that was entered meanwhile counts from the next.
      token: () => readToken(sessionStorage, server),
      // Of this tab alone: two tabs of one session have a lane each.
      storage: browserStorage('session'),
      onFrame: (direction, text) => trace.add(direction, text),
      onError: (error) => setTrouble((known) => inWords(error) ?? known),
    });
    setOpen({ chat, trace });
    setTrouble(undefined);
    return () => chat.close();
  }, [server, sessionId]);
  return {
    open: open?.chat.sessionId === sessionId ? open : undefined,
    trouble,
    forgetTrouble: () => setTrouble(undefined),
  };
}

/** Trouble that no message, answer or banner tells of. */
function inWords(error: MidturnError): string | undefined {
  // The banner says so.
  if (error.code === 'SESSION_DELETED') return undefined;
  if (error instanceof ServerReplyError) return `The server refused something: ${error.message}`;
  if (error.code === 'STORAGE_FAILED') {
    return 'This browser keeps nothing for the page: what is not sent yet would not outlive a reload.';
  }
  return undefined;
}
