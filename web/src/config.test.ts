import { expect, it } from 'vitest';
import { socketUrl } from './config.ts';

it('the WebSocket is where the deployment says, or on the server that the page came from', () => {
  const deployed = 'wss://api.example.com/prod';
  expect(socketUrl(deployed, 'https://page.example.com/')).toBe(deployed);
  expect(socketUrl('/local', 'http://127.0.0.1:8787/#session=a')).toBe('ws://127.0.0.1:8787/local');
  expect(socketUrl('/chat', 'https://example.com/page/?a=b')).toBe('wss://example.com/chat');
});
