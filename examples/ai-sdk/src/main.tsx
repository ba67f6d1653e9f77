import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import { openChat } from './open-chat.ts';
import './style.css';

const root = document.getElementById('root');
if (!root) throw new Error('The page has no root.');
const chat = await openChat();
createRoot(root).render(
  <StrictMode>
    <App chat={chat} />
  </StrictMode>,
);
