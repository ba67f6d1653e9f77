/** What a browser allows the page: its own script, style and configuration, this WebSocket, these files, and nothing else. */
function contentSecurityPolicy(url: string, files?: string): string {
  const ofFiles = files === undefined ? '' : ` ${files}`;
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    `img-src data:${ofFiles}`,
    ...(files === undefined ? [] : [`media-src ${files}`]),
    `connect-src 'self' ${url}${ofFiles}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

/**
 * The headers with which the page is served, by CloudFront and by the local cloud.
 * @param url the WebSocket's address
 * @param files the origin of the sessions' files
 */
export const pageHeaders = (url: string, files?: string) =>
  ({
    'content-security-policy': contentSecurityPolicy(url, files),
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
  }) as const;
