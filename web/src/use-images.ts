import { useCallback, useRef, useState } from 'react';
import { contentBytes } from '../../client/content.ts';
import type { Content, ContentPart } from '../../client/index.ts';
import { fittingImage, ImageError } from './fitting-image.ts';

export type AttachedImage = Extract<ContentPart, { data: string }>;

/** Of an image's part: its type and punctuation. */
const PART_BYTES = 64;

/** Text alone is text; with images it is parts, the images first. */
export function contentOf(text: string, images: readonly ContentPart[]): Content {
  if (images.length === 0) return text;
  return text.trim() === '' ? [...images] : [...images, { type: 'text', text }];
}

/** The images of the message that is being written, made small enough to fit into it. */
export function useImages(limit: number, text: string, trouble: (message: string) => void) {
  const [images, setImages] = useState<readonly AttachedImage[]>([]);
  // Several files may be on their way at once: each is measured against those before it.
  const queue = useRef(Promise.resolve());
  const latest = useRef({ limit, text, images });
  latest.current = { ...latest.current, limit, text };

  const [onTheirWay, setOnTheirWay] = useState(0);
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
            const { limit: all, text: said, images: before } = latest.current;
            const room = all - contentBytes(contentOf(said || ' ', before)) - PART_BYTES;
            const image = await fittingImage(file, room);
            put([...latest.current.images, image]);
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
    (image: AttachedImage) => put(latest.current.images.filter((one) => one !== image)),
    [put],
  );
  const clear = useCallback(() => put([]), [put]);
  return { images, isBusy: onTheirWay > 0, attach, remove, clear };
}
