/** The alphabet of base64url (RFC 4648, section 5): 64 characters that need no escaping in JSON, URLs or keys. */
export const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/**
 * A text's UTF-8 in base64url without padding. Written out, because not every host has `btoa` and `TextEncoder`.
 *
 * @throws {URIError} if the text has half a surrogate pair
 */
export function base64url(text: string): string {
  const bits = encodeURIComponent(text).replace(/%(..)|./g, (one, hex) =>
    (hex ? Number.parseInt(hex, 16) : one.charCodeAt(0)).toString(2).padStart(8, '0'),
  );
  return bits.replace(/.{1,6}/g, (six) => BASE64URL[Number.parseInt(six.padEnd(6, '0'), 2)] ?? '');
}
