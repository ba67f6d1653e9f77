/** What API Gateway itself says to a client: in a frame, or as the body of a refused handshake. Spaced as AWS does. */
export function errorFrame(message: string, connectionId: string, requestId: string): string {
  const quoted = [message, connectionId, requestId].map((text) => JSON.stringify(text));
  return `{"message": ${quoted[0]}, "connectionId":${quoted[1]}, "requestId":${quoted[2]}}`;
}
