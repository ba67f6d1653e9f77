import type { ConnectionEnd } from './events.ts';

/** The connection's ends that the gateway causes, with AWS's codes and reasons. */
export const ENDS = {
  /** The backend sent DELETE. */
  deleted: { code: 1000, reason: 'Connection Closed Normally' },
  /** Ten minutes without messages, two hours in all, or the gateway is shutting down. */
  goingAway: { code: 1001, reason: 'Going away' },
  /** API Gateway rejects binary frames. */
  binary: { code: 1003, reason: 'Binary frames are not supported' },
  /** A frame over 32 KB or a message over 128 KB. */
  tooBig: { code: 1009, reason: 'Message too big' },
  /** The network was lost: neither side sent a close frame. RFC 6455 reserves this code for it. */
  cut: { code: 1006, reason: 'Connection closed abnormally' },
} as const satisfies Record<string, ConnectionEnd>;

/** Converts a socket's end into the one that `$disconnect` receives. */
export function endOf(code: number, reason: string): ConnectionEnd {
  if (code === 1006) return ENDS.cut;
  // AWS's reason for a close frame without a code, such as that of a browser's `close()`.
  if (code === 1005) return { code, reason: 'Client-side close frame status not set' };
  return { code, reason };
}

/** The close code that `ws` sends for a frame that it rejects. */
export function endOfProtocolError(error: Error & { code?: string }): ConnectionEnd {
  switch (error.code) {
    case 'WS_ERR_INVALID_UTF8':
      return { code: 1007, reason: error.message };
    case 'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH':
    case 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH':
      return ENDS.tooBig;
    case 'WS_ERR_TOO_MANY_BUFFERED_PARTS':
      return { code: 1008, reason: error.message };
    default:
      return error.code?.startsWith('WS_ERR_') ? { code: 1002, reason: error.message } : ENDS.cut;
  }
}
