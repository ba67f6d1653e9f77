import type { ConnectionEnd } from './events.ts';

/** The ends that the gateway itself brings about, with the codes and reasons that AWS reports for them. */
export const ENDS = {
  /** The backend's DELETE. */
  deleted: { code: 1000, reason: 'Connection Closed Normally' },
  /** Ten minutes idle, two hours in all, or the gateway shutting down. */
  goingAway: { code: 1001, reason: 'Going away' },
  /** API Gateway takes no binary frames. */
  binary: { code: 1003, reason: 'Binary frames are not supported' },
  /** A frame over 32 KB or a message over 128 KB. */
  tooBig: { code: 1009, reason: 'Message too big' },
  /** The network went away: no close frame either way. RFC 6455 reserves the code for exactly this. */
  cut: { code: 1006, reason: 'Connection closed abnormally' },
} as const satisfies Record<string, ConnectionEnd>;

/** The end as `$disconnect` tells it, from what the socket reported. */
export function endOf(code: number, reason: string): ConnectionEnd {
  if (code === 1006) return ENDS.cut;
  // The words that AWS uses for a close frame without a code, such as a browser's plain `close()`.
  if (code === 1005) return { code, reason: 'Client-side close frame status not set' };
  return { code, reason };
}

/** The close code that `ws` answers a frame with that it cannot take. */
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
