import { SOCKET_OPEN, type SocketLike } from './platform.ts';
import { type ClientFrame, readFrame, type ServerFrame } from './protocol.ts';

export interface LinkHandlers {
  opened(): void;
  received(frame: ServerFrame): void;
  /** A frame that could not be read or taken in. The link lives on. */
  confused(cause: unknown): void;
  /** Once, however it ended, unless `release` came first. */
  lost(reason: string): void;
  /** Every frame as it went over the wire. */
  trace(direction: 'in' | 'out', text: string): void;
}

/** One WebSocket. */
export interface Link {
  send(frame: ClientFrame): boolean;
  /** Lets go of the socket: nothing more is heard from it, whatever it still has to say. */
  release(): void;
}

export function openLink(open: () => SocketLike, handlers: LinkHandlers): Link {
  const socket = open();
  const release = (): void => {
    socket.onopen = null;
    socket.onmessage = null;
    socket.onclose = null;
    // Closing a socket that is still connecting is reported as an error, and `ws` throws errors that nobody hears.
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
      if (typeof data !== 'string') throw new TypeError('a binary frame');
      handlers.trace('in', data);
      const frame = readFrame(data);
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
