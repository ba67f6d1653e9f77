import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Shop } from './shop.tsx';
import './style.css';

/** Of the deployment: where the WebSocket is. */
const config: { url: string } = await (await fetch('config.json')).json();
const url = new URL(config.url, location.href);
if (url.protocol.startsWith('http')) url.protocol = url.protocol.replace('http', 'ws');

const root = document.getElementById('root');
if (root)
  createRoot(root).render(
    <StrictMode>
      <Shop url={url.href} />
    </StrictMode>,
  );
