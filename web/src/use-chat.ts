import { useMemo, useState } from 'react';
import { browserStorage, type Chat, type MidturnError, ServerReplyError } from '../../client/index.ts';
import { useMidturnChat } from '../../client/react/index.ts';
import { keptInTab } from './kept.ts';
import { readToken } from './token.ts';
import { Trace } from './trace.ts';
import { readWish } from './use-agent-wish.ts';

/** Stored per tab: two tabs of one session have a lane each. */
const storage = browserStorage('session');

/** The chat of the shown session, undefined until it is opened, and the frames of its connection. */
export function useChat(
  server: string,
  sessionId: string,
): {
  chat: Chat | undefined;
  trace: Trace;
  /** The session of which the shown one is a fork. */
  origin: string | undefined;
  trouble: string | undefined;
  forgetTrouble: () => void;
} {
  // biome-ignore lint/correctness/useExhaustiveDependencies: each chat has a trace of its own
  const trace = useMemo(() => new Trace(), [server, sessionId]);
  const [origin, setOrigin] = useState<{ of: Trace; session: string }>();
  const [trouble, setTrouble] = useState<{ of: Trace; words: string }>();
  const wish = useMemo(() => readWish(sessionId), [sessionId]);
  const chat = useMidturnChat(sessionId, {
    url: server,
    deviceName: 'Midturn page',
    ...(wish !== undefined && { agent: wish }),
    // Read at each connection, so that a new token applies from the next one.
    token: () => readToken(keptInTab, server),
    storage,
    onFrame(direction, text) {
      const { type } = trace.add(direction, text);
      const session = type === 'session_start' ? originIn(text) : undefined;
      if (session !== undefined) setOrigin({ of: trace, session });
    },
    onError(error) {
      const words = inWords(error);
      if (words !== undefined) setTrouble({ of: trace, words });
    },
  });
  return {
    chat,
    trace,
    origin: origin?.of === trace ? origin.session : undefined,
    trouble: trouble?.of === trace ? trouble.words : undefined,
    forgetTrouble: () => setTrouble(undefined),
  };
}

/** What the client does not tell: it shows the same for a fork as for any session. */
function originIn(text: string): string | undefined {
  const frame: { forked_from?: { session_id: string } } = JSON.parse(text);
  return frame.forked_from?.session_id;
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
