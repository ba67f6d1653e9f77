import type { ContentPart } from './protocol.ts';

type InlineImage = Extract<ContentPart, { data: string }>;

/** An image cannot be attached. The message is for the user. */
export class ImageError extends Error {
  override readonly name = 'ImageError';
}

/** Lengths of the longer side in pixels, tried from large to small. */
const SIDES = [1280, 960, 720, 540, 400, 300, 220, 160];
const QUALITIES = [0.8, 0.6, 0.4];
/** Types that models accept unchanged. Others are drawn again as JPEG. */
const TYPES: readonly string[] = [
  'image/png',
  'image/jpeg',
  'image/gif',
  'image/webp',
] satisfies InlineImage['media_type'][];
const isType = (type: string): type is InlineImage['media_type'] => TYPES.includes(type);

/** Base64 encodes three bytes in four characters. */
const bytesWithin = (characters: number): number => Math.floor(Math.max(0, characters) / 4) * 3;

/**
 * Converts an image into a part of a message, with at most `characters` of base64: unchanged if it fits, else
 * drawn smaller.
 * @throws {ImageError} if the browser cannot read the image, or it cannot be made small enough
 */
export async function fittingImage(file: Blob, characters: number): Promise<InlineImage> {
  const room = bytesWithin(characters);
  if (isType(file.type) && file.size <= room) return partOf(file, file.type);
  const picture = await createImageBitmap(file).catch(() => {
    throw new ImageError('This file is no image that the browser can read.');
  });
  try {
    const longest = Math.max(picture.width, picture.height);
    for (const side of new Set(SIDES.map((side) => Math.min(side, longest)))) {
      for (const quality of QUALITIES) {
        const data = drawn(picture, side / longest, quality);
        if (data.length <= characters) return { type: 'image', media_type: 'image/jpeg', data };
      }
    }
  } finally {
    picture.close();
  }
  throw new ImageError('There is no room for this image in the message: it takes small ones alone.');
}

/** Draws an image as JPEG in base64, on white because JPEG has no transparency. */
function drawn(picture: ImageBitmap, scale: number, quality: number): string {
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  const context = canvas.getContext('2d');
  if (!context) throw new ImageError('This browser cannot make the image smaller.');
  context.fillStyle = '#fff';
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  // Synchronous: a blob is delivered only when the browser is idle.
  return canvas.toDataURL('image/jpeg', quality).slice('data:image/jpeg;base64,'.length);
}

async function partOf(blob: Blob, media_type: InlineImage['media_type']): Promise<InlineImage> {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return { type: 'image', media_type, data: btoa(binary) };
}
