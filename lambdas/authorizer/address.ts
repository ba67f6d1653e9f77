import { isIPv6 } from 'node:net';

const MAPPED_IPV4 = /^::ffff:(\d+(?:\.\d+){3})$/i;
/** Half of an address: a provider gives a customer no less, and each customer may use all of them. */
const GROUPS = 4;

/**
 * What a client with this address is counted as: an IPv4 address, or the first 64 bits of an IPv6 address. Otherwise one client
 * would have more addresses than anybody can count.
 */
export function countedAddress(address: string): string {
  const mapped = MAPPED_IPV4.exec(address)?.[1];
  if (mapped) return mapped;
  if (!isIPv6(address)) return address;
  const [before = '', after = ''] = new URL(`http://[${address.split('%')[0]}]`).hostname
    .slice(1, -1)
    .split('::');
  const [left, right] = [before, after].map((half) => half.split(':').filter((group) => group !== ''));
  const zeros = Array<string>(8 - (left?.length ?? 0) - (right?.length ?? 0)).fill('0');
  return `${[...(left ?? []), ...zeros, ...(right ?? [])].slice(0, GROUPS).join(':')}::/64`;
}

/**
 * The address of the client itself. Behind a proxy it is the last one that the proxy added to `X-Forwarded-For`; API Gateway
 * adds the proxy's own. What stands before those may be the client's invention.
 */
export function clientAddress(sourceIp: string, forwardedFor: string, isBehindProxy: boolean): string {
  if (!isBehindProxy) return sourceIp;
  const hops = forwardedFor.split(',').map((hop) => hop.trim());
  if (hops.at(-1) === sourceIp) hops.pop();
  return hops.at(-1) || sourceIp;
}
