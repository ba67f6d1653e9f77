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

/** The chat of the shown session. Undefined until it is opened. */
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
      // Read at each connection, so that a new token applies from the next one.
      token: () => readToken(sessionStorage, server),
      // Stored per tab: two tabs of one session have a lane each.
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

/** Describes errors that no message, answer or banner shows. */
function inWords(error: MidturnError): string | undefined {
  // The banner shows it.
  if (error.code === 'SESSION_DELETED') return undefined;
  if (error instanceof ServerReplyError) return `The server refused something: ${error.message}`;
  if (error.code === 'STORAGE_FAILED') {
    return 'This browser keeps nothing for the page: what is not sent yet would not outlive a reload.';
  }
  return undefined;
}
