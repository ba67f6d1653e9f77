import type { Content, ContentPart } from '../protocol/content.ts';

export type { Content, ContentPart } from '../protocol/content.ts';

const partsOf = (content: Content): readonly ContentPart[] =>
  typeof content === 'string' ? [{ type: 'text', text: content }] : content;

/** What it takes up of an inbox. */
export const bytesOf = (content: Content): number =>
  Buffer.byteLength(typeof content === 'string' ? content : JSON.stringify(content));

/** Neither a word nor an image. */
export const isBlank = (content: Content): boolean =>
  partsOf(content).every((part) => part.type === 'text' && part.text.trim() === '');

/** Its words alone. */
export const textOf = (content: Content): string =>
  partsOf(content)
    .flatMap((part) => (part.type === 'text' ? part.text : []))
    .join('\n');

export const imagesOf = (content: Content): number =>
  partsOf(content).filter((part) => part.type === 'image').length;

/** Everything in it that somebody said or showed, and that a log must not quote. */
export const quotesOf = (content: Content): string[] =>
  partsOf(content).map((part) => {
    if (part.type === 'text') return part.text;
    return 'url' in part ? part.url : part.data;
  });
