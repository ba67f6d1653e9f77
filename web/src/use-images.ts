import { useCallback, useRef, useState } from 'react';
import { contentBytes } from '../../client/display.ts';
import { fittingImage, ImageError } from '../../client/fitting-image.ts';
import type { Content, ContentPart } from '../../client/index.ts';

export interface AttachedImage {
  file: File;
  part: Extract<ContentPart, { data: string }>;
}

/** Characters of an image's part beside its data: type and punctuation. */
const PART_BYTES = 64;
/** Reserved for text beside the images. */
const TEXT_BYTES = 1024;

/** Makes the content of a message: text only, or parts with images and files first. */
export function contentOf(text: string, parts: readonly ContentPart[]): Content {
  if (parts.length === 0) return text;
  return text.trim() === '' ? [...parts] : [...parts, { type: 'text', text }];
}

/**
 * The images of the message that is being written. They share one size limit: another image makes the others smaller.
 */
export function useImages(limit: number, text: string, trouble: (message: string) => void) {
  const [images, setImages] = useState<readonly AttachedImage[]>([]);
  const [onTheirWay, setOnTheirWay] = useState(0);
  // Files are converted one after the other.
  const queue = useRef(Promise.resolve());
  const latest = useRef({ limit, text, images });
  latest.current = { ...latest.current, limit, text };

  const put = useCallback((next: readonly AttachedImage[]) => {
    latest.current.images = next;
    setImages(next);
  }, []);
  const attach = useCallback(
    (files: Iterable<File>) => {
      for (const file of files) {
        setOnTheirWay((count) => count + 1);
        queue.current = queue.current
          .then(async () => {
            const before = latest.current.images;
            const next = await fitAll([...before.map((image) => image.file), file], latest.current);
            // Images that the user removed meanwhile stay removed.
            const left = latest.current.images;
            put(next.filter((image) => image.file === file || left.some((one) => one.file === image.file)));
          })
          .catch((error: unknown) => {
            if (!(error instanceof ImageError)) throw error;
            trouble(error.message);
          })
          .finally(() => setOnTheirWay((count) => count - 1));
      }
    },
    [put, trouble],
  );
  const remove = useCallback(
    ({ file }: AttachedImage) => put(latest.current.images.filter((one) => one.file !== file)),
    [put],
  );
  const clear = useCallback(() => put([]), [put]);
  return { images, isBusy: onTheirWay > 0, attach, remove, clear };
}

function fitAll(
  files: readonly File[],
  { limit, text }: { limit: number; text: string },
): Promise<AttachedImage[]> {
  const room = limit - Math.max(TEXT_BYTES, contentBytes(text));
  const share = Math.floor(room / files.length) - PART_BYTES;
  return Promise.all(files.map(async (file) => ({ file, part: await fittingImage(file, share) })));
}
