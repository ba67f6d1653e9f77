import type { ContentPart } from '../../client/index.ts';

type InlineImage = Extract<ContentPart, { data: string }>;

/** An image that cannot be attached, in words for the reader. */
export class ImageError extends Error {
  override readonly name = 'ImageError';
}

/** From what is best to look at to what is small, in pixels of the longer side. */
const SIDES = [1280, 960, 720, 540, 400, 300, 220, 160];
const QUALITIES = [0.8, 0.6, 0.4];
/** What a model sees as it is; everything else is drawn anew. */
const TYPES: readonly string[] = [
  'image/png',
  'image/jpeg',
  'image/gif',
  'image/webp',
] satisfies InlineImage['media_type'][];
const isType = (type: string): type is InlineImage['media_type'] => TYPES.includes(type);

/** Base64 makes four characters of three bytes. */
const bytesWithin = (characters: number): number => Math.floor(Math.max(0, characters) / 4) * 3;

/**
 * The image as a part of a message, in at most so many characters of base64: as it is if it fits, else drawn smaller.
 * @throws {ImageError} if it is no image that the browser can read, or cannot be made small enough.
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

/** As JPEG in base64; on white, since JPEG knows no transparency. */
function drawn(picture: ImageBitmap, scale: number, quality: number): string {
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  const context = canvas.getContext('2d');
  if (!context) throw new ImageError('This browser cannot make the image smaller.');
  context.fillStyle = '#fff';
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  // At once: to be handed a blob one would wait for the browser to be idle, each time.
  return canvas.toDataURL('image/jpeg', quality).slice('data:image/jpeg;base64,'.length);
}

async function partOf(blob: Blob, media_type: InlineImage['media_type']): Promise<InlineImage> {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return { type: 'image', media_type, data: btoa(binary) };
}
