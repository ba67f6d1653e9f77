import { createElement, Fragment } from 'react';
import { renderToString } from 'react-dom/server';
import { expect, it } from 'vitest';
import { Clock, clockPlatform } from '../testing/clock.ts';
import { fakeSockets } from '../testing/socket.ts';
import { useMidturn, useMidturnChat } from './index.ts';

it('on a server, the hooks render an empty conversation that connects, and open nothing', async () => {
  const clock = new Clock();
  const { WebSocket, sockets } = fakeSockets();
  const { platform } = clockPlatform(clock, { idPrefix: 'm' });
  const options = { url: 'wss://example.test', WebSocket, platform };
  function Page() {
    const { state, chat } = useMidturn('one', options);
    const other = useMidturnChat('two', options);
    const { sessionId, connection, items, history } = state;
    const said = [sessionId, connection.status, items.length, history.status, chat, other].map(String);
    return createElement(Fragment, null, said.join(' '));
  }
  expect('window' in globalThis).toBe(false);
  expect(renderToString(createElement(Page))).toBe('one connecting 0 unloaded undefined undefined');
  await clock.advance(60_000);
  expect(sockets).toEqual([]);
});
