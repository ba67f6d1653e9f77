import type { Content, ContentPart } from '../protocol/content.ts';

export type { Content, ContentPart } from '../protocol/content.ts';

const partsOf = (content: Content): readonly ContentPart[] =>
  typeof content === 'string' ? [{ type: 'text', text: content }] : content;

/** Bytes that the content counts against `MIDTURN_INBOX_BYTES`. */
export const bytesOf = (content: Content): number =>
  Buffer.byteLength(typeof content === 'string' ? content : JSON.stringify(content));

/** Without text and images. */
export const isBlank = (content: Content): boolean =>
  partsOf(content).every((part) => part.type === 'text' && part.text.trim() === '');

/** Its text parts, one a line, without its images. */
export const wordsOf = (content: Content): string =>
  partsOf(content)
    .flatMap((part) => (part.type === 'text' ? part.text : []))
    .join('\n');

export const imagesOf = (content: Content): number =>
  partsOf(content).filter((part) => part.type === 'image').length;

/** Whether it has an image that the model's provider would fetch. */
export const hasImageUrl = (content: Content): boolean =>
  partsOf(content).some((part) => part.type === 'image' && 'url' in part);

/** All that the content says or shows, which a log must not quote. */
export const quotesOf = (content: Content): string[] =>
  partsOf(content).map((part) => {
    if (part.type === 'text') return part.text;
    return 'url' in part ? part.url : part.data;
  });
