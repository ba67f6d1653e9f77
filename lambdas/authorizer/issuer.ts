import { isTrustworthy } from '../../config/settings/read.ts';

/** The issuer's keys cannot be read, so no token can be verified. */
export class IssuerError extends Error {
  override readonly name = 'IssuerError';
}

const FETCH_TIMEOUT_MS = 2000;

/**
 * Fetches a document of the issuer. Retries once, because a connection that was kept while the function was frozen
 * may be dead.
 */
export async function fetchDocument(url: string): Promise<ArrayBuffer> {
  // Checked for each address, also one from another document: keys that were read over plain HTTP prove nothing.
  if (!isTrustworthy(url)) throw new IssuerError(`${url} is no https URL`);
  try {
    return await load(url);
  } catch (error) {
    if (error instanceof IssuerError) throw error;
    return load(url).catch((again: unknown) => {
      throw again instanceof IssuerError ? again : new IssuerError(`${url} cannot be reached`);
    });
  }
}

async function load(url: string): Promise<ArrayBuffer> {
  const response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(FETCH_TIMEOUT_MS) });
  const body = await response.arrayBuffer();
  if (response.status !== 200) throw new IssuerError(`${url} answered ${response.status}`);
  return body;
}

/**
 * Reads the address of the issuer's keys from its discovery document. Source: OpenID Connect Discovery 1.0, section 4.
 */
export async function discoverKeys(issuer: string): Promise<string> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const found = parse(await fetchDocument(url));
  if (found?.issuer !== issuer) throw new IssuerError(`${url} is not a document of ${issuer}`);
  if (typeof found.jwks_uri !== 'string') throw new IssuerError(`${url} names no jwks_uri`);
  return found.jwks_uri;
}

function parse(body: ArrayBuffer): { issuer?: unknown; jwks_uri?: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(body));
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
