import { SOCKET_OPEN, type SocketLike } from './platform.ts';
import { type ClientFrame, readFrame, type ServerFrame } from './protocol.ts';

export interface LinkHandlers {
  opened(): void;
  received(frame: ServerFrame): void;
  /** A frame could not be parsed or handled. The link stays open. */
  confused(cause: unknown): void;
  /** Called once when the socket ends, for any reason, unless `release` was called before. */
  lost(reason: string): void;
  /** Called with the text of every frame that is sent or received. */
  trace(direction: 'in' | 'out', text: string): void;
}

/** One WebSocket. */
export interface Link {
  send(frame: ClientFrame): boolean;
  /** Closes the socket. No handler is called after this. */
  release(): void;
}

export function openLink(open: () => SocketLike, handlers: LinkHandlers): Link {
  const socket = open();
  // Of a `Blob`, the text would come later than that of the frame after it.
  socket.binaryType = 'arraybuffer';
  const release = (): void => {
    socket.onopen = null;
    socket.onmessage = null;
    socket.onclose = null;
    // Closing a socket that is still connecting is reported as an error, and `ws` throws errors without a handler.
    socket.onerror = () => {};
    socket.close(1000);
  };
  const lose = (reason: string): void => {
    release();
    handlers.lost(reason);
  };
  socket.onopen = () => handlers.opened();
  socket.onmessage = ({ data }: { data: unknown }) => {
    try {
      const text = textOf(data);
      handlers.trace('in', text);
      const frame = readFrame(text);
      if (frame) handlers.received(frame);
    } catch (cause) {
      handlers.confused(cause);
    }
  };
  socket.onclose = ({ code, reason }: { code?: number; reason?: string }) =>
    lose(`closed with ${code ?? 'no code'}${reason ? ` (${reason})` : ''}`);
  socket.onerror = () => lose('failed');
  return {
    send(frame) {
      if (socket.readyState !== SOCKET_OPEN) return false;
      const text = JSON.stringify(frame);
      socket.send(text);
      handlers.trace('out', text);
      return true;
    },
    release,
  };
}

/** API Gateway posts text. Some emulators of it pass the same bytes on as a binary message. */
function textOf(data: unknown): string {
  if (typeof data === 'string') return data;
  if (data instanceof ArrayBuffer) return new TextDecoder().decode(data);
  throw new TypeError('a message that is neither text nor bytes');
}
