import { describe, expect, it } from 'vitest';
import { readLimits } from '../../config/settings/limits.ts';
import { png } from '../../test/support/files.ts';
import { asSessionId } from '../ids.ts';
import type { Files } from '../ports.ts';
import { sessionOf } from '../store/keys.ts';
import { memoryCore } from '../testing/memory-core.ts';
import { memoryFiles } from '../testing/memory-files.ts';
import { callFiles } from './tool-files.ts';

/** The files of one call: their names, their sizes, and what can be put again. In a turn: test/agents/tool-files.test.ts. */

const SESSION = sessionOf({ tenant: 't', subject: 's' }, asSessionId('one'));

function given({ fileBytes = 300, put }: { fileBytes?: number; put?: Files['put'] } = {}) {
  const files = memoryFiles();
  const over = new AbortController();
  const core = memoryCore({
    files: { ...files, ...(put && { put }) },
    limits: { ...readLimits({}), fileBytes },
  });
  const of = (key: string) => callFiles(core, SESSION, key, over.signal);
  const mine = of('turn:call');
  return {
    files,
    over,
    of,
    put: (name: string, bytes = png()) => mine.put({ name, mediaType: 'image/png', bytes }),
  };
}

describe('a file of a call', () => {
  it('has a name of 200 characters at most, in whole characters', async () => {
    const { put } = given();
    for (const name of ['x'.repeat(200), 'é'.repeat(200)]) expect(await put(name)).toMatchObject({ name });
    await expect(put('x'.repeat(201))).rejects.toMatchObject({ code: 'FILE_NAME_INVALID' });
    expect(await put('half \ud83d')).toMatchObject({ name: 'half \ufffd' });
  });

  it('has as many bytes as the deployment takes', async () => {
    const { put } = given({ fileBytes: 300 });
    expect(await put('a', png(300))).toMatchObject({ size: 300 });
    await expect(put('b', png(301))).rejects.toMatchObject({ code: 'FILE_SIZE_INVALID' });
  });

  it('P12: has the same reference where the call runs again, and another one in another call', async () => {
    const { of, put } = given();
    const file = { name: 'a', mediaType: 'image/png', bytes: png() };
    const { file: first } = await put('a');
    expect((await of('turn:call').put(file)).file).toBe(first);
    expect((await of('turn:other').put(file)).file).not.toBe(first);
    expect((await put('b')).file).not.toBe(first);
  });

  it('that was not stored can be put again, and does not count', async () => {
    let fails = true;
    const bucket = memoryFiles();
    const { put } = given({
      put: async (...file) => {
        if (fails) throw new Error('throttled');
        return bucket.put(...file);
      },
    });
    await expect(put('a')).rejects.toThrow('throttled');
    fails = false;
    expect(await put('a')).toMatchObject({ name: 'a' });
    await expect(put('a')).rejects.toMatchObject({ code: 'FILE_NAME_INVALID' });
    for (let n = 2; n <= 20; n++) await put(`${n}`);
    await expect(put('21')).rejects.toMatchObject({ code: 'FILE_TOO_MANY' });
  });

  it('is not stored when the call is over', async () => {
    const { put, over, files } = given();
    over.abort('over');
    await expect(put('a')).rejects.toMatchObject({ code: 'FILE_TOO_LATE' });
    expect(files.objects.size).toBe(0);
  });
});
