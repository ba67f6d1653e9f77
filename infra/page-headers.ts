/** What a browser allows the page: its own script, style and configuration, this WebSocket, and nothing else. */
function contentSecurityPolicy(url: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    'img-src data:',
    `connect-src 'self' ${url}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

/**
 * The headers with which the page is served, by CloudFront and by the local cloud.
 * @param url the WebSocket's, the only address beside its own that the page may connect to
 */
export const pageHeaders = (url: string) =>
  ({
    'content-security-policy': contentSecurityPolicy(url),
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
  }) as const;
