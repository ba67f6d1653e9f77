/** What a deployment tells the page, in `config.json` beside it. */
export interface PageConfig {
  /** Where the WebSocket is: `wss://…`, or a path on the server that the page came from. */
  url: string;
}

/** @throws {Error} saying what is wrong with the file. */
export async function loadConfig(address = 'config.json'): Promise<PageConfig> {
  // A cached one could name the stage of an earlier deployment.
  const response = await fetch(address, { cache: 'no-cache' });
  if (!response.ok) throw new Error(`${address} is missing (${response.status}).`);
  const value: unknown = await response.json();
  if (!isConfig(value)) throw new Error(`${address} has no url.`);
  return value;
}

function isConfig(value: unknown): value is PageConfig {
  return typeof value === 'object' && value !== null && 'url' in value && typeof value.url === 'string';
}

/** The WebSocket's full URL. `page` is the page's own. */
export function socketUrl(url: string, page: string): string {
  const full = new URL(url, page);
  if (full.protocol === 'http:') full.protocol = 'ws:';
  if (full.protocol === 'https:') full.protocol = 'wss:';
  return full.href;
}
