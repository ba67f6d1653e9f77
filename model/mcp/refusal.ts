import { MCPClientError } from '@ai-sdk/mcp';

/**
 * Whether the server refused the request, so that the tool surely did not run. After a restart, servers that keep sessions
 * in memory answer 404, as the protocol demands, or 400, 401, 409 or 503.
 *
 * - 4xx: the protocol has a server answer so if it cannot accept a message. 408 is the exception: a proxy may have waited
 *   for the tool.
 * - 503: the server or a proxy before it could not handle the request (RFC 9110, 15.6.4). Envoy says 503 as well if the
 *   connection to the server broke after the request was sent.
 * - 500, 502, 504 and broken connections: the tool may have run.
 *
 * Source: "Transports", Model Context Protocol 2025-11-25; "Response flags" (UC), Envoy documentation.
 */
export function isRefusal(error: unknown): boolean {
  if (!MCPClientError.isInstance(error) || error.statusCode === undefined) return false;
  const { statusCode: status, responseBody = '' } = error;
  if (status === 503) return !BROKEN_BEHIND_A_PROXY.test(responseBody);
  return status >= 400 && status < 500 && status !== 408;
}

/** Envoy's body for any other reset than one before the request was sent. */
const BROKEN_BEHIND_A_PROXY = /reset reason: (?!(remote |local )?connection (failure|timeout)|overflow)/i;

type Fetch = typeof globalThis.fetch;

/**
 * An HTTP error stays one. The MCP client reads an error object in its body as the answer to a request, whatever the status;
 * if its id is not that of the request, as `"server-error"` is, the request would never be settled. While it connects
 * (`isUp` is false), such answers are a part of negotiating the version.
 */
export const withPlainErrors =
  (inner: Fetch, isUp: () => boolean): Fetch =>
  async (input, init) => {
    const response = await inner(input, init);
    if (response.ok || !isUp() || init?.method !== 'POST') return response;
    const said = await response.text().catch(() => '');
    // Not JSON, so that it is not read as a message.
    return new Response(`The server said: ${said}`, { status: response.status });
  };
