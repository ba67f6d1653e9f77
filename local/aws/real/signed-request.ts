import { sign } from '../signature.ts';

/** What requests of a developer are signed with. */
export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string | undefined;
}

export interface Unsigned {
  method: string;
  url: URL;
  /** By names in lower case. Those that say nothing to a service are left out. */
  headers: Readonly<Record<string, string | string[] | undefined>>;
  body: Buffer;
}

/** Headers that services read. All others are of the function's own request: its signature, its connection, its SDK. */
const READ = /^(accept|content-type|x-amz-target|x-amzn-bedrock-.+)$/;

/**
 * The headers of a request, with its signature (AWS Signature Version 4).
 * @param scope the service's name in the signature, and its region
 * @param now milliseconds since the epoch
 */
export function signedHeaders(
  { accessKeyId, secretAccessKey, sessionToken }: Credentials,
  { service, region }: { service: string; region: string },
  { method, url, headers, body }: Unsigned,
  now: number,
): Record<string, string> {
  const timestamp = new Date(now).toISOString().replace(/[-:]|\.\d+/g, '');
  const date = timestamp.slice(0, 8);
  const kept = Object.entries(headers).filter(([name, value]) => READ.test(name) && value !== undefined);
  const all: Record<string, string> = {
    ...Object.fromEntries(kept.map(([name, value]) => [name, String(value)])),
    host: url.host,
    'x-amz-date': timestamp,
    ...(sessionToken && { 'x-amz-security-token': sessionToken }),
  };
  const names = Object.keys(all).toSorted();
  const path = `${url.pathname}${url.search}`;
  const scope = { date, region, service, signedHeaders: names };
  const signature = sign(secretAccessKey, { headers: all, method, url: path }, body, scope);
  const credential = `${accessKeyId}/${date}/${region}/${service}/aws4_request`;
  return {
    ...all,
    authorization: `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names.join(';')}, Signature=${signature}`,
  };
}
