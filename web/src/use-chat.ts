import { useEffect, useState } from 'react';
import { browserStorage } from '../../client/browser-storage.ts';
import { type Chat, createMidturn } from '../../client/index.ts';
import { accessToken, serverUrl } from './server.ts';
import { Trace } from './trace.ts';

export interface OpenChat {
  chat: Chat;
  trace: Trace;
}

/** The chat of one session, for as long as it is shown. Undefined for the moment before it is opened. */
export function useChat(sessionId: string): OpenChat | undefined {
  const [open, setOpen] = useState<OpenChat>();
  useEffect(() => {
    const trace = new Trace();
    const token = accessToken(location);
    const chat = createMidturn({
      url: serverUrl(location),
      sessionId,
      deviceName: 'Midturn page',
      // Of this tab alone: two tabs of one session have a lane each.
      storage: browserStorage('session'),
      onFrame: (direction, text) => trace.add(direction, text),
      ...(token ? { token } : {}),
    });
    setOpen({ chat, trace });
    return () => chat.close();
  }, [sessionId]);
  return open?.chat.sessionId === sessionId ? open : undefined;
}
