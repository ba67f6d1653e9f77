import { Chat } from '@ai-sdk/react';
import { browserStorage } from 'midturn-client';
import { MidturnChatTransport, type MidturnUIMessage } from 'midturn-client/ai-sdk';

/** `#session=…&server=…`: the conversation is the same after a reload, and on another device. */
const parameters = new URLSearchParams(location.hash.slice(1));
const session = parameters.get('session') ?? crypto.randomUUID();
parameters.set('session', session);
history.replaceState(null, '', `#${parameters}`);

const transport = new MidturnChatTransport({
  url: parameters.get('server') ?? 'ws://127.0.0.1:8787/local',
  storage: browserStorage(),
});

/** Outside of React: a `useChat` that makes its own chat stops the answer when its component goes away. */
export async function openChat(): Promise<Chat<MidturnUIMessage>> {
  const chat = new Chat<MidturnUIMessage>({
    id: session,
    transport,
    messages: await transport.messages(session),
    // After "stop": shows what the turn still says, and how its tools end.
    onFinish: ({ isAbort }) => {
      if (isAbort) chat.resumeStream();
    },
  });
  transport.attach(chat);
  return chat;
}
