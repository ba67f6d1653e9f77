import type { FileUIPart, UIMessage } from 'ai';
import { contentBytes, DEFAULT_CONTENT_BYTES } from '../content.ts';
import { uploadFile } from '../files.ts';
import type { Chat } from '../index.ts';
import { uploadedPart } from './content-parts.ts';

const DATA = /^data:([^;,]*)(;[^,]*)?,/;
/** What servers take. Others are refused as they were. */
const TAKEN = /^data:(image\/(png|jpeg|gif|webp)|application\/pdf|audio\/[^;,]+)[;,]/;
/** Images that travel in the message, if all of it fits. */
const INLINE = /^data:image\/(png|jpeg|gif|webp);base64,/;

/**
 * A message whose files are uploaded, where the server takes files: those that are no images, and all of them if they do not fit into the
 * message. A file is given as a data URL, as `useChat` makes it of a file input.
 */
export async function uploaded<M extends UIMessage>(chat: Chat, message: M): Promise<M> {
  const files = message.parts.filter((part) => part.type === 'file');
  if (!files.some(({ url }) => TAKEN.test(url))) return message;
  await chat.ready();
  const { limits } = chat.transcript.getSnapshot();
  if (limits?.file_bytes === undefined) return message;
  const size = contentBytes(JSON.stringify(message.parts));
  const fits = size <= (limits.content_bytes ?? DEFAULT_CONTENT_BYTES);
  const parts = message.parts.map(async (part) => {
    if (part.type !== 'file' || !TAKEN.test(part.url) || (fits && INLINE.test(part.url))) return part;
    return uploadedPart(await uploadFile(chat, blobOf(part), nameOf(part)));
  });
  return { ...message, parts: await Promise.all(parts) };
}

const nameOf = ({ filename }: FileUIPart) => (filename === undefined ? {} : { name: filename });

function blobOf({ url, mediaType }: FileUIPart): Blob {
  const [head = '', type, form = ''] = DATA.exec(url) ?? [];
  const body = url.slice(head.length);
  const text = form.includes('base64') ? atob(body) : decodeURIComponent(body);
  const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
  return new Blob([bytes], { type: mediaType || type || '' });
}
