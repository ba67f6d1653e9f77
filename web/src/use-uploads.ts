import { useCallback, useEffect, useRef, useState } from 'react';
import type { UploadedFile, UploadOptions } from '../../client/files.ts';
import { MidturnError } from '../../client/index.ts';

/** Types that are uploaded as they are. Other images are drawn again, and travel in the message. */
const TYPES = /^(image\/(png|jpeg|gif|webp)|application\/pdf|audio\/.+)$/;
/** Images of less travel in the message. */
const SMALL_BYTES = 6 * 1024;

export const isUploaded = ({ type, size }: File): boolean =>
  TYPES.test(type) && !(type.startsWith('image/') && size < SMALL_BYTES);

/** What the server takes. */
export interface FileTaker {
  /** Bytes of one file. */
  limit: number;
  upload(file: File, options: UploadOptions): Promise<UploadedFile>;
}

export interface AttachedUpload {
  key: number;
  name: string;
  /** What is sent of it, from 0 to 1. */
  sent: number;
  /** Once all of it is there. */
  part?: UploadedFile;
}

/** The files of the message that is being written, which are uploaded meanwhile. */
export function useUploads(taker: FileTaker | undefined, trouble: (message: string) => void) {
  const [uploads, setUploads] = useState<readonly AttachedUpload[]>([]);
  const running = useRef(new Map<number, AbortController>());
  const count = useRef(0);
  const latest = useRef(taker);
  latest.current = taker;

  useEffect(() => {
    const { current } = running;
    return () => {
      for (const upload of current.values()) upload.abort();
    };
  }, []);

  const change = useCallback(
    (key: number, next: Partial<AttachedUpload>) =>
      setUploads((all) => all.map((one) => (one.key === key ? { ...one, ...next } : one))),
    [],
  );
  const remove = useCallback((key: number) => {
    running.current.get(key)?.abort();
    setUploads((all) => all.filter((one) => one.key !== key));
  }, []);
  const attach = useCallback(
    async (file: File) => {
      const { limit = 0, upload } = latest.current ?? {};
      if (!upload) return;
      if (file.size > limit) {
        trouble(`${file.name} is too large: at most ${Math.floor(limit / 1e6)} MB.`);
        return;
      }
      const key = ++count.current;
      const stop = new AbortController();
      running.current.set(key, stop);
      setUploads((all) => [...all, { key, name: file.name, sent: 0 }]);
      try {
        const onProgress = (sent: number) => change(key, { sent });
        change(key, { sent: 1, part: await upload(file, { signal: stop.signal, onProgress }) });
      } catch (error) {
        remove(key);
        if (stop.signal.aborted) return;
        if (!(error instanceof MidturnError)) throw error;
        trouble(`${file.name}: ${error.message}`);
      } finally {
        running.current.delete(key);
      }
    },
    [change, remove, trouble],
  );
  const clear = useCallback(() => setUploads([]), []);
  return { uploads, isBusy: uploads.some(({ part }) => !part), attach, remove, clear };
}
