import { Chat } from '@ai-sdk/react';
import { browserStorage } from 'midturn-client';
import { MidturnChatTransport, type MidturnUIMessage } from 'midturn-client/ai-sdk';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import './style.css';

/** `#session=…&server=…`: the conversation is the same after a reload, and on another device. */
const parameters = new URLSearchParams(location.hash.slice(1));
const id = parameters.get('session') ?? crypto.randomUUID();
parameters.set('session', id);
history.replaceState(null, '', `#${parameters}`);

const transport = new MidturnChatTransport({
  url: parameters.get('server') ?? 'ws://127.0.0.1:8787/local',
  storage: browserStorage(),
});
const chat = new Chat<MidturnUIMessage>({ id, transport, messages: await transport.messages(id) });
// Approvals are answered at once, and turns that other clients begin are shown.
transport.attach(chat);

const root = document.getElementById('root');
if (!root) throw new Error('The page has no root.');
createRoot(root).render(<App chat={chat} />);
