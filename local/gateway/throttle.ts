/**
 * A token bucket, as API Gateway throttles a route: `burst` requests at once, and `rate` a second in the long run. Source: "Protect
 * your WebSocket APIs in API Gateway", https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-protect.html
 *
 * @returns whether the next request is accepted
 */
export function createThrottle(
  { rate, burst }: { rate: number; burst: number },
  now: () => number = Date.now,
): () => boolean {
  let tokens = burst;
  let filledAt = now();
  return () => {
    const time = now();
    tokens = Math.min(burst, tokens + ((time - filledAt) / 1000) * rate);
    filledAt = time;
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
  };
}
