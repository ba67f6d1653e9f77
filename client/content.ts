import type { Content } from './protocol.ts';

/**
 * The limit of content bytes before `session_start.limits.content_bytes` is known. A larger message does not fit into one
 * WebSocket frame of API Gateway, which would close the connection with 1009.
 */
export const DEFAULT_CONTENT_BYTES = 24 * 1024;

/** The UTF-8 bytes of the content as JSON: the size that `session_start.limits.content_bytes` is for. */
export function contentBytes(content: Content): number {
  const json = JSON.stringify(content);
  let bytes = 0;
  for (let index = 0; index < json.length; index++) {
    const unit = json.charCodeAt(index);
    if (unit < 0x80) bytes += 1;
    else if (unit < 0x800) bytes += 2;
    // JSON.stringify escapes lone surrogates, so each surrogate here is half of a pair, which has four bytes in UTF-8.
    else if (unit >= 0xd800 && unit < 0xe000) bytes += 2;
    else bytes += 3;
  }
  return bytes;
}

/** The text of a message, without its images. */
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
