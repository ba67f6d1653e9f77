import { EventEmitter, once } from 'node:events';
import { WebSocket } from 'ws';
import * as z from 'zod/mini';
import type { ClientFrame } from '../../protocol/client-frames.ts';
import { eventFrame } from '../../protocol/events.ts';
import { replyFrame, type ServerFrame } from '../../protocol/server-frames.ts';

const serverFrame = z.union([eventFrame, replyFrame]);

/** The demo failed: the connection ended, or the server sent something unexpected. */
export class DemoError extends Error {
  override readonly name = 'DemoError';
}

/** Is called with every frame, in the order of sending and arrival. */
export interface Observer {
  sent(frame: ClientFrame): void;
  received(frame: ServerFrame): void;
}

export interface DemoConnection {
  send(frame: ClientFrame): void;
  /**
   * Returns the first frame that matches, whether it has arrived already or not. `match` sees each frame once, in order.
   * @throws {DemoError} if the connection ends first, or after `FRAME_TIMEOUT_MS`
   */
  wait<T extends ServerFrame>(what: string, match: (frame: ServerFrame) => frame is T): Promise<T>;
  wait(what: string, match: (frame: ServerFrame) => boolean): Promise<ServerFrame>;
  /** Drops the connection without a closing handshake, like a lost network. */
  cut(): void;
}

const FRAME_TIMEOUT_MS = 12_000;

/** Opens a WebSocket and validates each frame with the protocol's schemas. */
export async function openConnection(url: string, observer: Observer): Promise<DemoConnection> {
  const socket = new WebSocket(url, 'midturn.v1');
  const frames: ServerFrame[] = [];
  const news = new EventEmitter();
  let failure: DemoError | undefined;
  const fail = (message: string) => {
    failure ??= new DemoError(message);
    news.emit('news');
  };

  socket.on('message', (data) => {
    const text = data.toString();
    const parsed = serverFrame.safeParse(parseJson(text));
    if (!parsed.success) return fail(`The server sent a frame that is not of the protocol: ${text}`);
    frames.push(parsed.data);
    observer.received(parsed.data);
    news.emit('news');
  });
  socket.on('error', (error) => fail(`The connection failed: ${error.message}`));
  socket.on('close', (code) => fail(`The connection was closed with ${code}.`));
  await once(socket, 'open');

  async function* arrivals(signal: AbortSignal): AsyncGenerator<ServerFrame> {
    for (let at = 0; ; ) {
      const frame = frames[at];
      if (frame) {
        at++;
        yield frame;
      } else if (failure) throw failure;
      else await once(news, 'news', { signal });
    }
  }

  async function wait(what: string, match: (frame: ServerFrame) => boolean): Promise<never> {
    const signal = AbortSignal.timeout(FRAME_TIMEOUT_MS);
    try {
      for await (const frame of arrivals(signal)) if (match(frame)) return frame as never;
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    throw new DemoError(`${what} did not come within ${FRAME_TIMEOUT_MS / 1000} s.`);
  }

  return {
    send(frame) {
      observer.sent(frame);
      socket.send(JSON.stringify(frame));
    },
    wait,
    cut: () => socket.terminate(),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
