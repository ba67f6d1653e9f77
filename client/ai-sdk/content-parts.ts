import type { FileUIPart, TextUIPart, UIMessage } from 'ai';
import { type Content, type ContentPart, type FileItem, MidturnError, type Source } from '../index.ts';

/** What a UI message says, as content: its texts, or texts, images and files in their order. */
export function toContent({ parts }: UIMessage): Content {
  const content = parts.map((part): ContentPart => {
    if (part.type === 'text') return { type: 'text', text: part.text };
    if (part.type === 'file') return toFile(part);
    throw unsupported(
      `A message cannot carry a part of the type "${part.type}": it is text, images and files.`,
    );
  });
  return content.some(({ type }) => type !== 'text')
    ? content
    : content.map((part) => (part.type === 'text' ? part.text : '')).join('\n');
}

const IMAGE_DATA = /^data:(image\/(?:png|jpeg|gif|webp));base64,(.+)$/s;

/** The address of a file that was uploaded: no browser loads it, and `fileUrl` of `midturn-client/files` gives one that is loaded. */
const UPLOADED = /^midturn-file:([^?]+)\?size=(\d+)$/;

function toFile({ url, mediaType, filename }: FileUIPart): ContentPart {
  const [, file, size] = UPLOADED.exec(url) ?? [];
  if (file !== undefined) {
    const name = filename ? { name: filename } : {};
    return {
      type: 'file',
      file: decodeURIComponent(file),
      media_type: mediaType,
      size: Number(size),
      ...name,
    };
  }
  const [, type, data] = IMAGE_DATA.exec(url) ?? [];
  if (isImageType(type) && data !== undefined) return { type: 'image', media_type: type, data };
  if (/^image\b/.test(mediaType) && url.startsWith('https:')) return { type: 'image', url };
  throw unsupported(
    'A file is an image, by https, or PNG, JPEG, GIF or WebP as a data URL; or one that was uploaded.',
  );
}

type UploadedFile = Extract<ContentPart, { file: string }>;
type ImageType = Extract<ContentPart, { data: string }>['media_type'];
const IMAGE_TYPES: readonly unknown[] = [
  'image/png',
  'image/jpeg',
  'image/gif',
  'image/webp',
] satisfies ImageType[];
const isImageType = (type: unknown): type is ImageType => IMAGE_TYPES.includes(type);

/** Content as parts of a UI message. */
export function toUIParts(content: Content): (TextUIPart | FileUIPart)[] {
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  return content.map((part) => {
    if (part.type === 'text') return part;
    if (part.type === 'file') return uploadedPart(part);
    if ('url' in part) return { type: 'file', mediaType: 'image', url: part.url };
    return { type: 'file', mediaType: part.media_type, url: `data:${part.media_type};base64,${part.data}` };
  });
}

/** A file that was uploaded, as a part of a UI message. */
export const uploadedPart = ({ file, media_type, size, name }: UploadedFile): FileUIPart => ({
  type: 'file',
  mediaType: media_type,
  url: `midturn-file:${encodeURIComponent(file)}?size=${size}`,
  ...(name !== undefined && { filename: name }),
});

/** Sources of the model as parts of a UI message. */
export const sourcePart = (source: Source) =>
  source.type === 'url'
    ? {
        type: 'source-url' as const,
        sourceId: source.id,
        url: source.url,
        ...(source.title !== undefined && { title: source.title }),
      }
    : {
        type: 'source-document' as const,
        sourceId: source.id,
        mediaType: source.mediaType,
        title: source.title,
        ...(source.filename !== undefined && { filename: source.filename }),
      };

/** A file of the model as a part of a UI message. */
export function filePart({
  mediaType,
  bytes,
  data,
  omitted = '',
}: Omit<FileItem, 'kind' | 'key' | 'turnId'>) {
  return data === undefined
    ? { type: 'data-omitted-file' as const, data: { mediaType, bytes, reason: omitted } }
    : { type: 'file' as const, mediaType, url: `data:${mediaType};base64,${data}` };
}

export const unsupported = (message: string) => new MidturnError('UNSUPPORTED', message);
