import * as z from 'zod/mini';
import type { ClientFrame } from '../../protocol/client-frames.ts';
import { eventFrame } from '../../protocol/events.ts';
import { replyFrame, type ServerFrame } from '../../protocol/server-frames.ts';
import { openWaitingClient, parseFrame, WaitFailed } from '../../protocol/waiting-client.ts';

const serverFrame = z.union([eventFrame, replyFrame]);

/** The demo did not go as it should. */
export class DemoError extends Error {
  override readonly name = 'DemoError';
}

/** Receives every frame, in order, as it is sent or arrives. */
export interface Observer {
  sent(frame: ClientFrame): void;
  received(frame: ServerFrame): void;
}

export interface DemoConnection {
  /** All received frames, oldest first. */
  readonly frames: readonly ServerFrame[];
  send(frame: ClientFrame): void;
  /**
   * Returns the first frame that matches, received already or still to come. Frames before index `from` do not count.
   * @throws {DemoError} if the connection ends first, or after `TIMEOUT_MS`
   */
  wait<T extends ServerFrame>(
    what: string,
    match: (frame: ServerFrame) => frame is T,
    from?: number,
  ): Promise<T>;
  wait(what: string, match: (frame: ServerFrame) => boolean, from?: number): Promise<ServerFrame>;
  /** Drops the connection without a closing handshake, like a lost network. */
  cut(): void;
}

/** Several times what the slowest step of the conversation takes. */
const TIMEOUT_MS = 60_000;

/** Opens a WebSocket and checks each frame against the protocol's schemas. */
export async function openDemoConnection(url: string, observer: Observer): Promise<DemoConnection> {
  const client = await openWaitingClient<ServerFrame>(url, {
    protocols: ['midturn.v1'],
    timeoutMs: TIMEOUT_MS,
    read(text) {
      const parsed = serverFrame.safeParse(parseFrame(text));
      if (!parsed.success) throw new Error(`received a frame that is not of the protocol: ${text}`);
      observer.received(parsed.data);
      return parsed.data;
    },
  });

  async function wait<T extends ServerFrame>(
    what: string,
    match: (frame: ServerFrame) => frame is T,
    from = 0,
  ): Promise<T> {
    try {
      return await client.waitFor(match, { from });
    } catch (error) {
      if (error instanceof WaitFailed) throw new DemoError(`${what} did not come: ${error.why}.`);
      throw error;
    }
  }

  return {
    frames: client.frames,
    send(frame) {
      observer.sent(frame);
      client.send(frame);
    },
    wait,
    cut: () => client.socket.terminate(),
  };
}
