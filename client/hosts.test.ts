import { afterEach, expect, it } from 'vitest';
import { WebSocket as WsWebSocket } from 'ws';
import { createMidturn } from './midturn.ts';
import type { SocketConstructor } from './platform.ts';
import { type BackwardsServer, serveBackwards } from './testing/backwards-server.ts';

let server: BackwardsServer | undefined;
let chat: ReturnType<typeof createMidturn> | undefined;
afterEach(() => {
  chat?.close();
  server?.close();
});

/** The WebSocket of React Native has no `addEventListener`, only handler properties. */
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
    this.#socket.on('message', (data: Buffer, isBinary) => {
      // A copy, because the buffer of `ws` is a part of a larger one.
      const received = isBinary ? new Uint8Array(data).buffer : String(data);
      this.onmessage?.({ data: received } as never);
    });
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

const HOSTS: readonly [string, SocketConstructor][] = [
  ["Node's own WebSocket", globalThis.WebSocket],
  ['ws', WsWebSocket],
  ["one of React Native's shape", ReactNativeSocket],
];
const SERVERS = ['API Gateway', 'MiniStack'] as const;

it.each(HOSTS.flatMap(([host, WebSocket]) => SERVERS.map((like) => [host, like, WebSocket] as const)))(
  'works over %s to %s',
  async (_, like, WebSocket) => {
    server = await serveBackwards(like);
    chat = createMidturn({ url: server.url, WebSocket });
    let text = '';
    for await (const event of chat.send('steer').events()) if (event.type === 'chunk') text += event.content;
    expect(text).toBe('reets');
    expect(chat.transcript.getSnapshot().connection.status).toBe('online');
  },
);
