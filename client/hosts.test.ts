import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { WebSocketServer, WebSocket as WsWebSocket } from 'ws';
import { createMidturn } from './midturn.ts';
import type { SocketConstructor } from './platform.ts';
import type { ClientFrame, ServerFrame } from './protocol.ts';
import { Story } from './testing/story.ts';

let server: WebSocketServer | undefined;
afterEach(() => {
  for (const socket of server?.clients ?? []) socket.terminate();
  server?.close();
});

/** Answers each message with one turn that says its content backwards. */
async function serve(): Promise<string> {
  server = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: () => 'midturn.v1' });
  await once(server, 'listening');
  const story = new Story();
  server.on('connection', (socket) => {
    const post = (...frames: ServerFrame[]) => {
      for (const frame of frames) socket.send(JSON.stringify(frame));
    };
    socket.on('message', (data) => {
      const frame: ClientFrame = JSON.parse(String(data));
      if (frame.type === 'connect') post(story.sessionStart('lane-1'), { type: 'connected', message: '' });
      if (frame.type !== 'message') return;
      const { id = '', content } = frame;
      const before = story.events.length;
      story.begin([id]);
      story.takeIn([{ id, content }], 1);
      story.say([...content].reverse().join(''));
      story.end('done');
      post({ type: 'accepted', id, turn_id: 'turn-1', placement: 'turn', position: 0 });
      post(...story.events.slice(before));
    });
  });
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}/local`;
}

/** React Native's has no `addEventListener`, and takes handlers alone. */
class ReactNativeLike {
  readonly #socket: WsWebSocket;
  constructor(url: string, protocols?: string[]) {
    this.#socket = new WsWebSocket(url, protocols);
  }
  get readyState(): number {
    return this.#socket.readyState;
  }
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: never) => void) | null = null;
  onclose: ((event: never) => void) | null = null;
  onerror: ((event: never) => void) | null = null;
  send(data: string): void {
    this.#socket.send(data);
  }
  close(code?: number): void {
    this.#socket.close(code);
  }
  listen(): this {
    this.#socket.on('open', () => this.onopen?.({} as never));
    this.#socket.on('message', (data) => this.onmessage?.({ data: String(data) } as never));
    this.#socket.on('close', (code) => this.onclose?.({ code } as never));
    this.#socket.on('error', () => this.onerror?.({} as never));
    return this;
  }
}
class ReactNativeSocket extends ReactNativeLike {
  constructor(url: string, protocols?: string[]) {
    super(url, protocols);
    this.listen();
  }
}

it.each<[string, SocketConstructor]>([
  ["Node's own WebSocket", globalThis.WebSocket],
  ['ws', WsWebSocket],
  ["one of React Native's shape", ReactNativeSocket],
])('works over %s', async (_, WebSocket) => {
  const chat = createMidturn({ url: await serve(), WebSocket });
  let text = '';
  for await (const event of chat.send('steer').events()) if (event.type === 'chunk') text += event.content;
  expect(text).toBe('reets');
  expect(chat.transcript.getSnapshot().connection.status).toBe('online');
  chat.close();
});
