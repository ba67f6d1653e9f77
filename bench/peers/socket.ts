import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { Arrivals } from './arrivals.ts';

/** A WebSocket of a client, without compression, whose messages are counted and handed on as JSON. */
export async function openSocket(
  url: string,
  arrivals: Arrivals,
  onMessage: (message: unknown, send: (frame: object) => void) => void,
): Promise<(frame: object) => void> {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  const send = (frame: object) => socket.send(JSON.stringify(frame));
  // From the start: the first messages can come in the same packet as the handshake's answer.
  socket.on('message', (data) => {
    arrivals.frame();
    onMessage(JSON.parse(data.toString()), send);
  });
  await once(socket, 'open');
  // What cuts it from here on is the bench.
  socket.on('error', () => {});
  return send;
}
