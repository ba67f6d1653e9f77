import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import type { Chat } from '../chat.ts';
import { MidturnError } from '../errors.ts';
import { type UploadedFile, uploadFile } from '../files.ts';

/** A file of the message that is being written. */
export interface Upload {
  key: number;
  name: string;
  /** What is sent of it, from 0 to 1. */
  sent: number;
  /** For `content` of `send`, once all of it is there. */
  part?: UploadedFile;
}

export interface UseUploadsOptions {
  /** Bytes of the largest file: `state.limits?.file_bytes`. Undefined: the server takes none. */
  limit: number | undefined;
  /** Why a file is not among the uploads: `FILE_REFUSED`, `BUDGET_EXCEEDED`, `UPLOAD_FAILED`. */
  onError: (error: MidturnError, file: File) => void;
}

export interface UploadsView {
  readonly uploads: readonly Upload[];
  /** Those that are there, as parts of a message. */
  readonly parts: readonly UploadedFile[];
  /** Some are not there yet. */
  readonly isBusy: boolean;
  /** Begins to upload a file. */
  readonly attach: (file: File) => Promise<void>;
  /** Takes one out of the message. If it is on its way, it is stopped. */
  readonly remove: (key: number) => void;
  /** After the message was sent. */
  readonly clear: () => void;
}

/**
 * The files of a message that is being written: each is uploaded as soon as it is chosen. What is on its way is stopped when the component
 * unmounts.
 *
 * @param chat as `chat` of `useMidturn`
 * @example
 * const { uploads, parts, isBusy, attach, clear } = useUploads(chat, { limit: state.limits?.file_bytes, onError });
 * <input type="file" onChange={({ target }) => [...(target.files ?? [])].forEach(attach)} />
 * <button disabled={isBusy} onClick={() => { send([...parts, { type: 'text', text }]); clear(); }}>Send</button>
 */
export function useUploads(
  chat: Pick<Chat, 'request'> | undefined,
  { limit, onError }: UseUploadsOptions,
): UploadsView {
  const [uploads, setUploads] = useState<readonly Upload[]>([]);
  const running = useRef(new Map<number, AbortController>());
  const count = useRef(0);
  const latest = useRef({ chat, limit, onError });
  latest.current = { chat, limit, onError };

  useEffect(() => {
    const { current } = running;
    return () => {
      for (const upload of current.values()) upload.abort();
    };
  }, []);

  const change = useCallback(
    (key: number, next: Partial<Upload>) =>
      setUploads((all) => all.map((one) => (one.key === key ? { ...one, ...next } : one))),
    [],
  );
  const remove = useCallback((key: number) => {
    running.current.get(key)?.abort();
    setUploads((all) => all.filter((one) => one.key !== key));
  }, []);
  const attach = useCallback(
    async (file: File) => {
      const { chat, limit } = latest.current;
      const refuse = (text: string) => latest.current.onError(new MidturnError('FILE_REFUSED', text), file);
      if (!chat || limit === undefined) return refuse('The server takes no files.');
      if (file.size > limit) return refuse(`It is too large: at most ${Math.floor(limit / 1e6)} MB.`);
      count.current += 1;
      const key = count.current;
      const stop = new AbortController();
      const { signal } = stop;
      running.current.set(key, stop);
      setUploads((all) => [...all, { key, name: file.name, sent: 0 }]);
      try {
        const onProgress = (sent: number) => change(key, { sent });
        change(key, { sent: 1, part: await uploadFile(chat, file, { signal, onProgress }) });
      } catch (error) {
        if (signal.aborted) return;
        remove(key);
        if (!(error instanceof MidturnError)) throw error;
        latest.current.onError(error, file);
      } finally {
        running.current.delete(key);
      }
    },
    [change, remove],
  );
  const clear = useCallback(() => setUploads([]), []);
  return useMemo(
    () => ({
      uploads,
      parts: uploads.flatMap(({ part }) => part ?? []),
      isBusy: uploads.some(({ part }) => !part),
      attach,
      remove,
      clear,
    }),
    [uploads, attach, remove, clear],
  );
}
