/** The deployment's settings for the page, from `config.json` beside it. */
export interface PageConfig {
  /** The WebSocket's address: `wss://…`, or a path on the page's server. */
  url: string;
}

/** @throws {Error} naming what is wrong with the file */
export async function loadConfig(address = 'config.json'): Promise<PageConfig> {
  // Not cached: the file could name an earlier deployment's stage.
  const response = await fetch(address, { cache: 'no-cache' });
  if (!response.ok) throw new Error(`${address} is missing (${response.status}).`);
  const value: unknown = await response.json();
  if (!isConfig(value)) throw new Error(`${address} has no url.`);
  return value;
}

function isConfig(value: unknown): value is PageConfig {
  return typeof value === 'object' && value !== null && 'url' in value && typeof value.url === 'string';
}

/** Returns the WebSocket's full URL. `page` is the page's URL. */
export function socketUrl(url: string, page: string): string {
  const full = new URL(url, page);
  if (full.protocol === 'http:') full.protocol = 'ws:';
  if (full.protocol === 'https:') full.protocol = 'wss:';
  return full.href;
}
