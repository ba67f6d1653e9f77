import { safeParse } from 'zod/mini';
import { type Content, type ContentPart, type FilePart, filePart } from '../protocol/content.ts';
import type { Json } from './json.ts';

export type { Content, ContentPart, FilePart } from '../protocol/content.ts';

const partsOf = (content: Content): readonly ContentPart[] =>
  typeof content === 'string' ? [{ type: 'text', text: content }] : content;

/** Bytes that the content counts against `MIDTURN_INBOX_BYTES`. */
export const bytesOf = (content: Content): number =>
  Buffer.byteLength(typeof content === 'string' ? content : JSON.stringify(content));

/** Without text, images and files. */
export const isBlank = (content: Content): boolean =>
  partsOf(content).every((part) => part.type === 'text' && part.text.trim() === '');

/** Its text parts, one a line, without its images and files. */
export const wordsOf = (content: Content): string =>
  partsOf(content)
    .flatMap((part) => (part.type === 'text' ? part.text : []))
    .join('\n');

export const imagesOf = (content: Content): number =>
  partsOf(content).filter((part) => part.type === 'image').length;

/** Whether it has an image or a file. */
export const showsMore = (content: Content): boolean => partsOf(content).some(({ type }) => type !== 'text');

export const filesOf = (content: Content): FilePart[] =>
  partsOf(content).filter((part) => part.type === 'file');

/**
 * The files of the session in what a model is shown in place of a tool's output: `{ type: 'content', value: […] }`, in which a file is
 * named as in a message.
 */
export function shownFiles(shown: Json | undefined): FilePart[] {
  const parts: readonly unknown[] = partsShown(shown);
  return parts.filter(isFilePart);
}

/** The parts of `{ type: 'content', value: […] }`. None: the model is shown something else. */
export function partsShown(shown: Json | undefined): readonly Json[] {
  if (typeof shown !== 'object' || shown === null || !('value' in shown)) return [];
  return shown.type === 'content' && Array.isArray(shown.value) ? shown.value : [];
}

export const isFilePart = (value: unknown): value is FilePart => safeParse(filePart, value).success;

/** Whether it has an image that the model's provider would fetch. */
export const hasImageUrl = (content: Content): boolean =>
  partsOf(content).some((part) => part.type === 'image' && 'url' in part);

/** Of an image, whatever its file has: providers count 250 to 1,500 tokens. */
const IMAGE_BYTES = 4000;
/** Bytes of a file that take as many tokens as one byte of text does: of a PDF with some pictures, and of MP3. */
const PER_BYTE_OF_TEXT: Readonly<Record<string, number>> = { application: 25, audio: 125 };

/** Bytes of text that take about as many tokens as what the content shows beside its text. Providers count in their own ways. */
export const shownBytes = (content: Content): number =>
  partsOf(content).reduce((sum, part) => sum + shownBytesOf(part), 0);

function shownBytesOf(part: ContentPart): number {
  if (part.type === 'text') return 0;
  const ratio = part.type === 'file' && PER_BYTE_OF_TEXT[part.media_type.split('/')[0] ?? ''];
  return ratio ? Math.ceil(part.size / ratio) : IMAGE_BYTES;
}

/** The same of files alone: the images of a transcript count as its text does. */
export const fileBytes = (files: readonly FilePart[]): number =>
  files.reduce((sum, part) => sum + shownBytesOf(part), 0);

/** All that the content says or shows, which a log must not quote. */
export const quotesOf = (content: Content): string[] =>
  partsOf(content).flatMap((part) => {
    if (part.type === 'text') return part.text;
    if (part.type === 'file') return part.name ?? [];
    return 'url' in part ? part.url : part.data;
  });
