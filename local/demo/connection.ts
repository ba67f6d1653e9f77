import { WebSocket } from 'ws';
import * as z from 'zod/mini';
import type { ClientFrame } from '../../protocol/client-frames.ts';
import { eventFrame } from '../../protocol/events.ts';
import { replyFrame, type ServerFrame } from '../../protocol/server-frames.ts';

const serverFrame = z.union([eventFrame, replyFrame]);

/** The demo did not go as it should. */
export class DemoError extends Error {
  override readonly name = 'DemoError';
}

/** Hears every frame, in order, as it is sent or comes in. */
export interface Observer {
  sent(frame: ClientFrame): void;
  received(frame: ServerFrame): void;
}

export interface DemoConnection {
  send(frame: ClientFrame): void;
  /**
   * The first frame that matches, of those that came already and those to come.
   * @throws {DemoError} when the connection ends first, or `PATIENCE_MS` are over.
   */
  wait<T extends ServerFrame>(what: string, match: (frame: ServerFrame) => frame is T): Promise<T>;
  wait(what: string, match: (frame: ServerFrame) => boolean): Promise<ServerFrame>;
  /** Drops the connection without a goodbye, as a lost network does. */
  cut(): void;
}

const PATIENCE_MS = 12_000;

interface Waiter {
  match(frame: ServerFrame): boolean;
  resolve(frame: ServerFrame): void;
  reject(error: DemoError): void;
}

/** Opens a WebSocket and checks each frame against the protocol's schemas. */
export async function openConnection(url: string, observer: Observer): Promise<DemoConnection> {
  const socket = new WebSocket(url, 'midturn.v1');
  const frames: ServerFrame[] = [];
  const waiters = new Set<Waiter>();
  let failure: DemoError | undefined;
  const fail = (message: string) => {
    failure ??= new DemoError(message);
    for (const { reject } of waiters) reject(failure);
    waiters.clear();
  };

  socket.on('message', (data) => {
    const text = data.toString();
    const parsed = serverFrame.safeParse(parseJson(text));
    if (!parsed.success) return fail(`The server sent a frame that is not of the protocol: ${text}`);
    const frame = parsed.data;
    frames.push(frame);
    observer.received(frame);
    for (const waiter of waiters) {
      if (!waiter.match(frame)) continue;
      waiters.delete(waiter);
      waiter.resolve(frame);
    }
  });
  socket.on('error', (error) => fail(`The connection failed: ${error.message}`));
  socket.on('close', (code) => fail(`The connection was closed with ${code}.`));
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });

  return {
    send(frame) {
      observer.sent(frame);
      socket.send(JSON.stringify(frame));
    },
    wait(what: string, match: (frame: ServerFrame) => boolean): Promise<never> {
      const found = frames.find(match);
      return new Promise<ServerFrame>((resolve, reject) => {
        if (found) return resolve(found);
        if (failure) return reject(failure);
        const timer = setTimeout(
          () => reject(new DemoError(`${what} did not come within ${PATIENCE_MS / 1000} s.`)),
          PATIENCE_MS,
        );
        waiters.add({
          match,
          resolve: (frame) => {
            clearTimeout(timer);
            resolve(frame);
          },
          reject: (error) => {
            clearTimeout(timer);
            reject(error);
          },
        });
      }) as Promise<never>;
    },
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
