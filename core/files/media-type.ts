import type { FILE_TYPES } from '../../protocol/content.ts';

export type FileType = (typeof FILE_TYPES)[number];

/** As many first bytes of a file as `mediaTypeOf` reads. */
export const SIGNATURE_BYTES = 16;

/** What files of a type begin with. `?` is any byte. Source: "MIME Sniffing Standard" and the formats' own documents. */
const SIGNATURES: readonly (readonly [begins: string, type: FileType])[] = [
  ['89 50 4e 47 0d 0a 1a 0a', 'image/png'],
  ['ff d8 ff', 'image/jpeg'],
  ['47 49 46 38 37 61', 'image/gif'],
  ['47 49 46 38 39 61', 'image/gif'],
  ['52 49 46 46 ? ? ? ? 57 45 42 50', 'image/webp'],
  ['52 49 46 46 ? ? ? ? 57 41 56 45', 'audio/wav'],
  ['25 50 44 46 2d', 'application/pdf'],
  ['49 44 33', 'audio/mpeg'],
  ['4f 67 67 53', 'audio/ogg'],
  ['66 4c 61 43', 'audio/flac'],
  ['? ? ? ? 66 74 79 70', 'audio/mp4'],
  ['1a 45 df a3', 'audio/webm'],
];

/** A frame of MPEG audio: eleven bits of one, then a version and a layer that exist. */
const isMpegFrame = ([first = 0, second = 0]: Uint8Array): boolean =>
  first === 0xff && (second & 0xe0) === 0xe0 && (second & 0x18) !== 0x08 && (second & 0x06) === 0x02;

/** The type that a file's first bytes say. Undefined: none of those that are taken. */
export function mediaTypeOf(bytes: Uint8Array): FileType | undefined {
  for (const [begins, type] of SIGNATURES) {
    const fits = begins
      .split(' ')
      .every((byte, i) => i < bytes.length && (byte === '?' || bytes[i] === Number.parseInt(byte, 16)));
    if (fits) return type;
  }
  return isMpegFrame(bytes) ? 'audio/mpeg' : undefined;
}
