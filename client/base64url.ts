/** The alphabet of base64url (RFC 4648, section 5). */
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** A text's UTF-8 in base64url without padding. Written out, because not every host has `btoa`. */
export function base64url(text: string): string {
  let written = '';
  let bits = 0;
  let held = 0;
  for (const byte of new TextEncoder().encode(text)) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 6) {
      bits -= 6;
      written += ALPHABET[(held >> bits) & 63];
    }
    held &= (1 << bits) - 1;
  }
  return bits > 0 ? written + ALPHABET[(held << (6 - bits)) & 63] : written;
}
