import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';

/** What is kept of an object beside its bytes. */
export interface S3Object {
  key: string;
  /** Name of the file with its bytes. */
  file: string;
  size: number;
  /** MD5 in hex, without quotes. */
  etag: string;
  /** Milliseconds since the epoch. S3 tells seconds in headers. */
  modified: number;
  /** Headers that come back with it: `content-type`, `x-amz-meta-…`, checksums. */
  headers: Readonly<Record<string, string>>;
}

/** The bytes of an upload that is under way. */
interface Draft {
  file: string;
  sink: Writable;
}

/** The objects of one bucket, in a folder. */
export interface Objects {
  get(key: string): S3Object | undefined;
  /** In the order of their keys' UTF-8 bytes, which is S3's. */
  list(): S3Object[];
  read(object: S3Object, range?: { start: number; end: number }): Readable;
  draft(): Draft;
  /**
   * Puts a draft in the place of the object with its key: all of it or nothing.
   * @param check is given the object that it replaces, which nobody else can replace meanwhile. What it throws leaves that as it is
   */
  put(object: S3Object, check?: (present: S3Object | undefined) => void): Promise<void>;
  discard(draft: Draft): Promise<void>;
  delete(key: string): Promise<void>;
}

/** Of a folder that an earlier run may have filled. */
export async function openObjects(folder: string): Promise<Objects> {
  const [bytes, heads] = [join(folder, 'bytes'), join(folder, 'heads')];
  await Promise.all([mkdir(bytes, { recursive: true }), mkdir(heads, { recursive: true })]);
  const objects = new Map<string, S3Object>();
  for (const name of await readdir(heads)) {
    // A head that was not renamed into place belongs to an upload that never ended.
    if (!name.endsWith('.json')) await rm(join(heads, name), { force: true });
    else {
      const object: S3Object = JSON.parse(await readFile(join(heads, name), 'utf8'));
      objects.set(object.key, object);
    }
  }
  const used = new Set([...objects.values()].map(({ file }) => file));
  for (const name of await readdir(bytes)) if (!used.has(name)) await rm(join(bytes, name), { force: true });

  /** A key can be longer than a file's name, and hold what no file's name can. */
  const headOf = (key: string) => join(heads, `${createHash('sha256').update(key).digest('hex')}.json`);
  const forget = async (object: S3Object | undefined) => {
    // Who reads it has it open, and reads on.
    if (object) await rm(join(bytes, object.file), { force: true });
  };
  let last: Promise<void> = Promise.resolve();
  /** Changes one after the other. A failure is that of its own caller. */
  const inTurn = (change: () => Promise<void>): Promise<void> => {
    last = last.then(change, change);
    return last;
  };
  return {
    get: (key) => objects.get(key),
    list: () => [...objects.values()].sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key))),
    read: ({ file }, range) => createReadStream(join(bytes, file), range),
    draft() {
      const file = randomUUID();
      return { file, sink: createWriteStream(join(bytes, file)) };
    },
    put: (object, check = () => {}) =>
      inTurn(async () => {
        const before = objects.get(object.key);
        check(before);
        const head = headOf(object.key);
        const writing = `${head}.${object.file}`;
        await writeFile(writing, JSON.stringify(object));
        await rename(writing, head);
        objects.set(object.key, object);
        await forget(before);
      }),
    async discard({ file, sink }) {
      sink.destroy();
      await rm(join(bytes, basename(file)), { force: true });
    },
    delete: (key) =>
      inTurn(async () => {
        const before = objects.get(key);
        objects.delete(key);
        await rm(headOf(key), { force: true });
        await forget(before);
      }),
  };
}
