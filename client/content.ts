import type { Content } from './protocol.ts';

/**
 * Bytes of content that a server takes when it has not said otherwise (`session_start.limits.content_bytes`): a larger
 * message would not fit into one WebSocket frame of API Gateway, which answers by closing the connection with 1009.
 */
export const DEFAULT_CONTENT_BYTES = 24 * 1024;

/** UTF-8 bytes of the content's JSON encoding, which is what travels and what is limited. */
export function contentBytes(content: Content): number {
  const json = JSON.stringify(content);
  let bytes = 0;
  for (let index = 0; index < json.length; index++) {
    const unit = json.charCodeAt(index);
    if (unit < 0x80) bytes += 1;
    else if (unit < 0x800) bytes += 2;
    // JSON.stringify escapes lone surrogates, so each one here is half of a pair, which takes four bytes.
    else if (unit >= 0xd800 && unit < 0xe000) bytes += 2;
    else bytes += 3;
  }
  return bytes;
}

/** The words of a message; images are left out. */
export function textOf(content: Content): string {
  if (typeof content === 'string') return content;
  return content.flatMap((part) => (part.type === 'text' ? part.text : [])).join('\n');
}

export function isBlank(content: Content): boolean {
  return (
    textOf(content).trim() === '' &&
    (typeof content === 'string' || content.every(({ type }) => type === 'text'))
  );
}
