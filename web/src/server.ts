/** Where this page connects to: the server that it came from, unless its address says otherwise. */
export function serverUrl(location: Pick<Location, 'protocol' | 'host' | 'search'>): string {
  const asked = new URLSearchParams(location.search).get('url');
  if (asked) return asked;
  return `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/local`;
}

/** For servers that ask who is there. */
export function accessToken(location: Pick<Location, 'search'>): string | undefined {
  return new URLSearchParams(location.search).get('token') ?? undefined;
}
