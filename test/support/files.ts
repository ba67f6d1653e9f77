import type { FrameOf } from '../../client/protocol.ts';
import type { FilePart } from '../../core/content.ts';
import type { WsClient } from './ws-client.ts';

/** Bytes that begin as files of a type do, and are none in what follows. */
const fileOf = (begins: string, size: number): Buffer => Buffer.concat([Buffer.from(begins, 'latin1')], size);

export const png = (size = 200) => fileOf('\x89PNG\r\n\x1a\n', size);
export const pdf = (size = 300) => fileOf('%PDF-1.7\n', size);
export const wav = (size = 400) => fileOf('RIFF\x00\x00\x00\x00WAVE', size);
export const html = (size = 300) => fileOf('<html><script>', size);

export type Uploadable = Pick<FilePart, 'media_type' | 'name'> & { bytes: Buffer };

let requests = 0;

/** Asks for an address, as a client does. */
export async function askForUpload(
  client: WsClient,
  { media_type, name, bytes }: Uploadable,
): Promise<FrameOf<'upload'>> {
  const id = `upload-${++requests}`;
  client.send({ type: 'upload', id, media_type, size: bytes.length, ...(name !== undefined && { name }) });
  return client.next('upload');
}

/** Puts the bytes to the address, as a page of another origin does. */
export const putTo = (
  { method, url, headers }: FrameOf<'upload'>,
  body: Buffer,
  changed: Record<string, string> = {},
): Promise<Response> =>
  fetch(url, { method, headers: { ...headers, ...changed }, body: new Uint8Array(body) });

/** Uploads a file. @returns the part of a message that names it */
export async function upload(client: WsClient, file: Uploadable): Promise<FilePart> {
  const address = await askForUpload(client, file);
  const stored = await putTo(address, file.bytes);
  if (!stored.ok) throw new Error(`${stored.status}: ${await stored.text()}`);
  const { media_type, name, bytes } = file;
  return {
    type: 'file',
    file: address.file,
    media_type,
    size: bytes.length,
    ...(name !== undefined && { name }),
  };
}

/** Reads a file by the address that the server gives. */
export async function download(client: WsClient, file: string): Promise<Response> {
  client.send({ type: 'download', id: `download-${++requests}`, file });
  return fetch((await client.next('download')).url);
}
