import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import { loadConfig, socketUrl } from './config.ts';
import { ignoreHeldKeys } from './held-keys.ts';
import './styles/tokens.css';
import './styles/shell.css';
import './styles/conversation.css';
import './styles/menu.css';
import './styles/prose.css';
import './styles/composer.css';
import './styles/frames.css';

const element = document.getElementById('root');
if (!element) throw new Error('The page has no #root.');
ignoreHeldKeys(window);
const root = createRoot(element);
loadConfig().then(
  ({ url }) =>
    root.render(
      <StrictMode>
        <App server={socketUrl(url, location.href)} />
      </StrictMode>,
    ),
  (error: unknown) =>
    root.render(
      <main className="broken">
        <h1>The page does not know its server</h1>
        <p>{String(error)}</p>
        <p>Reload the page; if that does not help, deploy it again.</p>
      </main>,
    ),
);
