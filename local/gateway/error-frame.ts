/**
 * API Gateway's own messages to a client, in a frame or as the body of a rejected handshake. The spaces are AWS's.
 */
export function errorFrame(message: string, connectionId: string, requestId: string): string {
  const quoted = [message, connectionId, requestId].map((text) => JSON.stringify(text));
  return `{"message": ${quoted[0]}, "connectionId":${quoted[1]}, "requestId":${quoted[2]}}`;
}
