import type { SocketConstructor, SocketLike } from '../platform.ts';
import type { ClientFrame, ServerFrame } from '../protocol.ts';

type Handler = ((event: never) => void) | null;

/** A WebSocket whose other end is controlled by the test. */
export class FakeSocket implements SocketLike {
  readonly url: string;
  readonly protocols: readonly string[];
  readonly sent: ClientFrame[] = [];
  readyState = 0;
  onopen: Handler = null;
  onmessage: Handler = null;
  onclose: Handler = null;
  onerror: Handler = null;
  onsent: (frame: ClientFrame) => void = () => {};
  ongone: () => void = () => {};

  constructor(url: string, protocols: readonly string[]) {
    this.url = url;
    this.protocols = protocols;
  }

  /** The client's end. */
  send(data: string): void {
    const frame: ClientFrame = JSON.parse(data);
    this.sent.push(frame);
    this.onsent(frame);
  }

  /** The client's end. */
  close(): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    this.ongone();
  }

  accept(): void {
    if (this.readyState !== 0) return;
    this.readyState = 1;
    call(this.onopen, {});
  }

  deliver(...frames: ServerFrame[]): void {
    for (const frame of frames) this.deliverText(JSON.stringify(frame));
  }

  deliverText(data: unknown): void {
    if (this.readyState === 1) call(this.onmessage, { data });
  }

  /** Ends the connection as a lost network does. */
  cut(): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    this.ongone();
    call(this.onclose, { code: 1006, reason: '' });
  }

  /** Frames of one type that the client sent, oldest first. */
  sentOf<T extends ClientFrame['type']>(type: T): Extract<ClientFrame, { type: T }>[] {
    return this.sent.filter((frame): frame is Extract<ClientFrame, { type: T }> => frame.type === type);
  }
}

function call(handler: Handler, event: unknown): void {
  handler?.(event as never);
}

/** A WebSocket constructor for the client, and the list of the sockets that it made. */
export function fakeSockets(made: (socket: FakeSocket) => void = () => {}) {
  const sockets: FakeSocket[] = [];
  class Socket extends FakeSocket {
    constructor(url: string, protocols: string[] = []) {
      super(url, protocols);
      sockets.push(this);
      made(this);
    }
  }
  const WebSocket: SocketConstructor = Socket;
  return { WebSocket, sockets };
}
