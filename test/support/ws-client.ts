import type { ServerFrame } from '../../protocol/server-frames.ts';
import { openWaitingClient, parseFrame, type WaitingClient } from '../../protocol/waiting-client.ts';
import { WAIT_MS } from './timeouts.ts';

/** What API Gateway itself sends when a function fails or no route matches. It has no `type`. */
interface GatewayNotice {
  type?: never;
  message: string;
  connectionId: string;
  requestId: string;
}

export type Received = ServerFrame | GatewayNotice;
export type FrameType = ServerFrame['type'];
export type FrameOf<T extends FrameType> = Extract<ServerFrame, { type: T }>;

/** A test's end of a WebSocket. */
export type WsClient = WaitingClient<Received>;

export interface ConnectOptions {
  headers?: Readonly<Record<string, string>>;
  protocols?: readonly string[];
}

/**
 * Opens a WebSocket whose frames are read as they come: `schemaError` checks them afterwards, so that a test shows all that
 * is wrong.
 * @throws {HandshakeRefused}, or the socket's own error.
 */
export const connect = (url: string, options: ConnectOptions = {}): Promise<WsClient> =>
  openWaitingClient<Received>(url, {
    ...options,
    timeoutMs: WAIT_MS,
    read: (text) => parseFrame(text) as Received,
  });
