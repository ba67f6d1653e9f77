import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import { textOf } from '../content.ts';
import type { ClientFrame, ServerFrame } from '../protocol.ts';
import { Story } from './story.ts';

export interface BackwardsServer {
  readonly url: string;
  close(): void;
}

/**
 * A server behind a real socket. It answers each message with one turn whose text is the content backwards.
 * @param like API Gateway; or MiniStack 1.4.21, an emulator of it, which selects no subprotocol and posts binary messages
 */
export async function serveBackwards(
  like: 'API Gateway' | 'MiniStack' = 'API Gateway',
): Promise<BackwardsServer> {
  const emulated = like === 'MiniStack';
  const server = new WebSocketServer({
    port: 0,
    host: '127.0.0.1',
    handleProtocols: () => (emulated ? false : 'midturn.v1'),
  });
  await once(server, 'listening');
  const story = new Story();
  server.on('connection', (socket) => {
    const post = (...frames: ServerFrame[]) => {
      for (const frame of frames) socket.send(JSON.stringify(frame), { binary: emulated });
    };
    socket.on('message', (data) => {
      const frame: ClientFrame = JSON.parse(String(data));
      if (frame.type === 'connect') post(story.sessionStart('lane-1'), { type: 'connected', message: '' });
      if (frame.type === 'history') post(story.page(frame));
      if (frame.type !== 'message') return;
      const { id = '', content } = frame;
      const before = story.events.length;
      story.begin([id]);
      story.takeIn([{ id, content }], 1);
      story.say([...textOf(content)].reverse().join(''));
      story.end('done');
      post({ type: 'accepted', id, turn_id: 'turn-1', placement: 'turn', position: 0 });
      post(...story.events.slice(before));
    });
  });
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/local`,
    close() {
      for (const socket of server.clients) socket.terminate();
      server.close();
    },
  };
}
