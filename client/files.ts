import { filesIn } from '../protocol/files-in.ts';
import type { Chat } from './chat.ts';
import { MidturnError } from './errors.ts';
import { patient } from './patient.ts';
import { hostPlatform } from './platform.ts';
import type { ContentPart, FrameOf } from './protocol.ts';

/** A file of the session, as a part of a message's content. */
export type UploadedFile = Extract<ContentPart, { file: string }>;

export interface UploadOptions {
  /** Shown to readers, and given to the model. Default: the name of a `File`. */
  name?: string;
  /** Stops the upload; the promise rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Called with the part that was sent so far, from 0 to 1. */
  onProgress?: (part: number) => void;
}

export { filesIn };

/** Names that browsers and systems have for the server's types. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  'image/jpg': 'image/jpeg',
  'audio/mp3': 'audio/mpeg',
  'audio/wave': 'audio/wav',
  'audio/x-wav': 'audio/wav',
  'audio/vnd.wave': 'audio/wav',
  'audio/m4a': 'audio/mp4',
  'audio/x-m4a': 'audio/mp4',
  'audio/x-flac': 'audio/flac',
};

/**
 * Uploads a file for a message of this chat: an image, a PDF or audio. `state.limits.file_bytes` is the largest; where that is missing, the
 * server takes none.
 *
 * @throws {ServerReplyError} when the server refuses its type or size (`FILE_REFUSED`), or its day's worth is spent (`BUDGET_EXCEEDED`)
 * @throws {MidturnError} `UPLOAD_FAILED` when its bytes cannot be sent
 * @example
 * const part = await uploadFile(chat, file, { onProgress: (part) => bar.value = part });
 * chat.send([part, { type: 'text', text: 'Sum it up.' }]);
 */
export async function uploadFile(
  chat: Pick<Chat, 'request'>,
  file: Blob,
  { name = nameOf(file), signal, onProgress }: UploadOptions = {},
): Promise<UploadedFile> {
  const [given = ''] = file.type.split(';');
  const media_type = OTHER_NAMES[given] ?? given;
  const about = { media_type, size: file.size, ...(name && { name: name.slice(-200) }) };
  const asked = { type: 'upload', id: hostPlatform().newId(), ...about } as const;
  const address = await patient(() => chat.request(asked));
  signal?.throwIfAborted();
  const status = await put(address, file, signal, onProgress);
  // 412: an earlier try has arrived.
  if ((status < 200 || status > 299) && status !== 412)
    throw new MidturnError('UPLOAD_FAILED', `The file was not taken (status ${status}).`);
  return { type: 'file', file: address.file, ...about };
}

/**
 * An address to show or save a file, for some minutes: ask again for each use. A browser runs nothing of what it gives.
 *
 * @throws {ServerReplyError} `FILE_NOT_FOUND`: it has expired, or is none of this session
 */
export async function fileUrl(chat: Pick<Chat, 'request'>, file: string): Promise<string> {
  const asked = { type: 'download', id: hostPlatform().newId(), file } as const;
  return (await patient(() => chat.request(asked))).url;
}

const nameOf = (file: Blob): string | undefined =>
  'name' in file && typeof file.name === 'string' ? file.name : undefined;

/** @returns the status of the answer */
function put(
  { method, url, headers }: FrameOf<'upload'>,
  file: Blob,
  signal: AbortSignal | undefined,
  onProgress: UploadOptions['onProgress'],
): Promise<number> {
  const failed = () => new MidturnError('UPLOAD_FAILED', 'The file could not be sent.');
  if (typeof XMLHttpRequest === 'undefined') {
    return fetch(url, { method, headers, body: file, ...(signal && { signal }) }).then(
      ({ status }) => status,
      () => {
        signal?.throwIfAborted();
        throw failed();
      },
    );
  }
  // `fetch` tells nothing of what was sent.
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    request.open(method, url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = ({ loaded, total }) => onProgress?.(total > 0 ? loaded / total : 0);
    request.onload = () => resolve(request.status);
    request.onerror = () => reject(failed());
    request.onabort = () => reject(signal?.reason);
    request.onloadend = () => signal?.removeEventListener('abort', abort);
    signal?.addEventListener('abort', abort);
    request.send(file);
  });
}
