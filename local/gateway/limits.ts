import type { GatewayLimits } from './types.ts';

/** Source: "Quotas for configuring and running a WebSocket API", API Gateway developer guide. */
export const AWS_LIMITS: GatewayLimits = {
  frameBytes: 32 * 1024,
  messageBytes: 128 * 1024,
  idleMs: 10 * 60 * 1000,
  lifetimeMs: 2 * 60 * 60 * 1000,
  // AWS answers 429 when "the WebSocket client side buffer is full" but does not publish its size.
  sendBufferBytes: 1024 * 1024,
};

/** The maximal duration of an integration or an authorizer. Same source. */
export const INTEGRATION_TIMEOUT_MS = 29_000;

/** Same source. */
export const MAX_REQUEST_URL_LENGTH = 4096;

/** The maximal size of an authorizer's response, as JSON. Same source. */
export const MAX_AUTHORIZER_RESULT_BYTES = 8 * 1024;

/**
 * Messages of one connection whose functions run at the same time. AWS limits them by the account's request rate. Here
 * the socket is not read further, so that a flood stays in the client.
 */
export const MAX_MESSAGES_IN_FLIGHT = 256;
