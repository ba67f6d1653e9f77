import { describe, expect, it } from 'vitest';
import { epochMs } from '../../config/units.ts';
import { pdf, png } from '../../test/support/files.ts';
import { asFileId, asSessionId } from '../ids.ts';
import { fileKey, sessionOf } from '../store/keys.ts';
import { memoryCore } from '../testing/memory-core.ts';
import { memoryFiles } from '../testing/memory-files.ts';
import { MemoryTable, memoryStore } from '../testing/memory-store.ts';
import { objectKey, objectPrefix } from './object-key.ts';
import { putFile } from './put-file.ts';

const NOW = 1_800_000_000_000;
const DAY = 86_400_000;
const ANN = { tenant: 'acme', subject: 'ann' };
const SESSION = sessionOf(ANN, asSessionId('s'));
const FILE = asFileId('file');
const OBJECT = objectKey(SESSION, FILE);

function given() {
  const table = new MemoryTable();
  const files = memoryFiles();
  let dies: string | undefined;
  const store = memoryStore(table, async ({ operation }, run) => {
    const done = run();
    if (operation === dies) throw new Error('the function dies');
    return done;
  });
  const core = { ...memoryCore({ store, clock: { now: () => epochMs(NOW), sleep: async () => {} } }), files };
  return {
    core,
    files,
    table,
    item: () => table.get(fileKey(SESSION, FILE)),
    put: (bytes: Buffer = png(100), name = 'plan.png', type: 'image/png' | 'application/pdf' = 'image/png') =>
      putFile(core, SESSION, FILE, { type, name, bytes }),
    dieAfter: (operation: string | undefined) => {
      dies = operation;
    },
  };
}
const part = { type: 'file', file: FILE, media_type: 'image/png', size: 100, name: 'plan.png' };

describe('a file that a tool makes', () => {
  it('is there with its bytes, as long as the transcript', async () => {
    const { put, item, files, core } = given();
    expect(await put()).toEqual(part);
    expect(files.objects.get(OBJECT)).toEqual({ bytes: png(100), type: 'image/png' });
    const { transcriptDays } = core.retention;
    expect(item()).toEqual({
      type: 'image/png',
      size: 100,
      name: 'plan.png',
      checked: true,
      until: NOW + (transcriptDays + 2) * DAY,
      expires: (NOW + (transcriptDays + 5) * DAY) / 1000,
    });
  });

  it('P10: is the first of its id, whatever a repeat puts, and is not put again', async () => {
    const { put, files, item } = given();
    await put();
    const before = item();
    files.put = async () => {
      throw new Error('put again');
    };
    expect(await put(pdf(300), 'other.pdf', 'application/pdf')).toEqual(part);
    expect(item()).toEqual(before);
    expect(files.objects.get(OBJECT)?.bytes).toEqual(png(100));
  });

  it.each(['putIfAbsent', 'update'])(
    'P10: is made whole by a repeat where its function died after `%s`',
    async (operation) => {
      const { put, dieAfter, item } = given();
      dieAfter(operation);
      await expect(put()).rejects.toThrow('dies');
      dieAfter(undefined);
      expect(await put()).toEqual(part);
      expect(item()?.checked).toBe(true);
    },
  );

  it('has the type and the size of the bytes that are there, where another function has put those', async () => {
    const { put, files, item } = given();
    files.objects.set(OBJECT, { bytes: pdf(300), type: 'application/pdf' });
    expect(await put()).toMatchObject({ media_type: 'application/pdf', size: 300 });
    expect(item()).toMatchObject({ type: 'application/pdf', size: 300, checked: true });
  });

  it('P12: is not there when its session was deleted while its bytes were put', async () => {
    const { put, files, table, item } = given();
    const putBytes = files.put.bind(files);
    files.put = async (...args) => {
      table.delete(fileKey(SESSION, FILE));
      return putBytes(...args);
    };
    expect(await put()).toBeUndefined();
    expect(item()).toBeUndefined();
  });
});

it('P12: the key of a file is of its principal, its session and itself; no name is in it', () => {
  const keys = [
    OBJECT,
    objectKey(sessionOf(ANN, asSessionId('s2')), FILE),
    objectKey(sessionOf({ ...ANN, subject: 'bob' }, asSessionId('s')), FILE),
    objectKey(sessionOf({ ...ANN, tenant: 'globex' }, asSessionId('s')), FILE),
    objectKey(sessionOf({ tenant: 'ac', subject: 'me#ann' }, asSessionId('s')), FILE),
    objectKey(SESSION, asFileId('file2')),
  ];
  expect(new Set(keys).size).toBe(keys.length);
  expect(keys.filter((key) => key.startsWith(objectPrefix(ANN)))).toEqual([keys[0], keys[1], keys[5]]);
  for (const key of keys) expect(key).not.toMatch(/acme|ann|globex/);
  const longest = { tenant: 'ä'.repeat(128), subject: 'é'.repeat(128) };
  expect(
    objectKey(sessionOf(longest, asSessionId('s'.repeat(64))), asFileId('f'.repeat(64))).length,
  ).toBeLessThanOrEqual(200);
  expect(objectKey(sessionOf(longest, asSessionId('s')), FILE).startsWith(objectPrefix(longest))).toBe(true);
});
