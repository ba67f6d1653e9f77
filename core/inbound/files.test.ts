import { describe, expect, it } from 'vitest';
import { epochMs, epochSeconds } from '../../config/units.ts';
import { html, pdf, png } from '../../test/support/files.ts';
import type { FilePart } from '../content.ts';
import { objectKey } from '../files/object-key.ts';
import { asFileId, asLaneId, asMessageId, asSessionId, asTurnId } from '../ids.ts';
import type { FileItem, Session } from '../store/items.ts';
import { fileKey, laneKey, messageKey, sessionOf } from '../store/keys.ts';
import { set } from '../store/update.ts';
import { recordingPorts } from '../testing/memory-core.ts';
import { memoryFiles } from '../testing/memory-files.ts';
import { leased, sessionInMemory } from '../testing/session-in-memory.ts';
import { offerDownload, offerUpload } from './files.ts';
import { acceptMessage } from './message.ts';

const NOW = 1_800_000_010_000;
const DAY = 86_400_000;
const FILE = asFileId('f'.repeat(22));
const PART: FilePart = { type: 'file', file: FILE, media_type: 'image/png', size: 100 };
const ANN = { tenant: 'acme', subject: 'ann' };

/** A session with a file, as its item and its bytes are. */
function given({
  item = {},
  bytes = png(100),
  session = {},
  takesFiles = true,
}: {
  item?: Partial<FileItem> | null;
  bytes?: Buffer | null;
  session?: Partial<Session>;
  takesFiles?: boolean;
} = {}) {
  const files = memoryFiles();
  const asked: [string, unknown][] = [];
  const all = sessionInMemory({
    lanes: { mine: leased },
    session,
    core: {
      queues: recordingPorts().queues,
      ...(takesFiles && {
        files: {
          ...files,
          uploadAddress: async (key, as) => {
            asked.push([key, as]);
            return { url: 'https://bucket.test/up', headers: { 'content-type': as.type } };
          },
          downloadAddress: async (key, as) => {
            asked.push([key, as]);
            return 'https://bucket.test/down';
          },
          begin: async (key, count) => {
            asked.push([key, count]);
            return files.begin(key, count);
          },
        },
      }),
    },
  });
  const key = fileKey(all.session, FILE);
  if (item)
    all.table.put(key, {
      type: 'image/png',
      size: 100,
      until: epochMs(NOW + 1),
      expires: epochSeconds(4e9),
      ...item,
    });
  if (bytes) files.objects.set(objectKey(all.session, FILE), { bytes, type: 'image/png' });
  const since = (before: number) => all.told('mine').slice(before);
  return {
    ...all,
    asked,
    item: () => all.table.get(key),
    async say(id: string | null = 'm', parts: FilePart[] = [PART]) {
      const before = all.told('mine').length;
      const frame = { type: 'message', content: parts, ...(id !== null && { id }) } as const;
      await acceptMessage(all.core, all.from('mine'), frame, epochMs(NOW));
      return since(before);
    },
    async upload(more: object = {}, countedFor?: typeof ANN) {
      const frame = { type: 'upload', id: 'u', media_type: 'image/png', size: 100, ...more } as const;
      await offerUpload(all.core, all.from('mine'), frame, countedFor);
      return all.told('mine');
    },
    async download() {
      await offerDownload(all.core, all.from('mine'), { type: 'download', id: 'd', file: FILE });
      return all.told('mine');
    },
  };
}

describe('P2: a message with a file', () => {
  it('is taken if the file is what was said of it; it is looked at once, and kept as long as the transcript', async () => {
    const { say, item, asked, core, session } = given();
    expect(await say()).toMatchObject([{ type: 'accepted', id: 'm' }]);
    expect(item()).toMatchObject({ checked: true, until: NOW + (core.retention.transcriptDays + 2) * DAY });
    expect(await say('n', [PART, PART])).toMatchObject([{ type: 'accepted', id: 'n' }]);
    expect(asked).toEqual([[objectKey(session, FILE), 16]]);
  });

  it.each<[string, Parameters<typeof given>[0], string, string]>([
    ['that is not there', { item: null }, 'FILE_NOT_FOUND', 'no such file'],
    ['whose time is over', { item: { until: epochMs(NOW) } }, 'FILE_NOT_FOUND', 'no such file'],
    ['whose bytes never came', { bytes: null }, 'FILE_NOT_FOUND', 'no such file'],
    [
      'that was announced as another type',
      { item: { type: 'image/gif' } },
      'FILE_REFUSED',
      '100 bytes of image/gif',
    ],
    ['that was announced as longer', { item: { size: 101 } }, 'FILE_REFUSED', '101 bytes of image/png'],
    ['that is longer', { bytes: png(101) }, 'FILE_REFUSED', '101 bytes, and not 100'],
    ['that is shorter', { bytes: png(99) }, 'FILE_REFUSED', '99 bytes, and not 100'],
    ['that is of another type', { bytes: pdf(100) }, 'FILE_REFUSED', 'application/pdf, and not image/png'],
    ['that is of no type', { bytes: html(100) }, 'FILE_REFUSED', 'of no known type, and not image/png'],
    ['where none are taken', { takesFiles: false }, 'INVALID_FRAME', 'takes no files'],
  ])('%s is refused, and nothing is kept', async (_, options, code, text) => {
    for (const id of ['m', null]) {
      const { say, item, lane } = given({ item: {}, bytes: png(100), ...options });
      const [error] = await say(id);
      expect(error).toMatchObject({
        type: 'error',
        code,
        message: expect.stringContaining(text),
        retryable: false,
      });
      expect(error?.id ?? null).toBe(id);
      expect(lane('mine')?.inbox).toEqual({});
      expect(item()?.checked).toBeUndefined();
    }
  });

  it('is refused for one of several', async () => {
    const { say } = given({ item: { checked: true } });
    expect(await say('m', [PART, { ...PART, file: 'other' }])).toMatchObject([{ code: 'FILE_NOT_FOUND' }]);
  });

  it('leaves a file deleted that was deleted while it was looked at', async () => {
    const { say, core, item, table, session } = given();
    const { files } = core;
    const begin = files?.begin.bind(files);
    if (files && begin)
      files.begin = async (...args) => {
        table.delete(fileKey(session, FILE));
        return begin(...args);
      };
    await say();
    expect(item()).toBeUndefined();
  });

  it.each(['its lane', 'its outcome', 'another lane, to which it was forwarded'])(
    'P10: that was accepted is answered as before when its file is gone, as %s knows it',
    async (where) => {
      const { say, table, session } = given({ item: null });
      const key = laneKey(session, asLaneId('mine'));
      const id = asMessageId('m');
      const change = (...changes: Parameters<typeof table.update>[1]['change'][number][]) =>
        table.update(key, { when: [], change: changes as never });
      if (where === 'its lane') change(set(['ids', id] as never, 1 as never));
      else if (where === 'its outcome')
        table.put(messageKey(session, id), {
          outcome: 'taken',
          turn: asTurnId('t'),
          placement: 'turn',
          expires: epochSeconds(4e9),
        });
      else {
        change(set(['forwarded', id] as never, 'other t' as never));
        table.put(laneKey(session, asLaneId('other')), {
          ...(table.get(key) as never as object),
          turn: 't',
          inbox: { m: { content: [PART], turn: 'x', at: NOW, from: 'mine' } },
        } as never);
      }
      const [answer] = await say();
      expect(answer).toMatchObject({ id: 'm' });
      expect(answer?.code).not.toBe('FILE_NOT_FOUND');
      expect(await say('n')).toMatchObject([{ code: 'FILE_NOT_FOUND', id: 'n' }]);
    },
  );
});

describe('an upload', () => {
  it('is answered by an address for exactly what was announced, which is noted before', async () => {
    const { upload, asked, table, session, core } = given();
    const [answer] = await upload({ name: 'cat.png' });
    const file = asFileId(String(answer?.file));
    expect(answer).toEqual({
      type: 'upload',
      id: 'u',
      file,
      method: 'PUT',
      url: 'https://bucket.test/up',
      headers: { 'content-type': 'image/png' },
      expires_in_ms: 600_000,
    });
    expect(asked).toEqual([[objectKey(session, file), { type: 'image/png', size: 100 }]]);
    expect(table.get(fileKey(session, file))).toEqual({
      type: 'image/png',
      size: 100,
      name: 'cat.png',
      until: NOW + DAY,
      expires: (NOW + (core.retention.transcriptDays + 5) * DAY) / 1000,
    });
  });

  it('is refused by its type, its size, and where its session is deleted or takes none; nothing is noted', async () => {
    const { core } = given();
    const limit = core.limits.fileBytes;
    for (const [more, options, error] of [
      [{ media_type: 'text/html' }, {}, { code: 'FILE_REFUSED', path: 'media_type' }],
      [{ size: limit + 1 }, {}, { code: 'FILE_REFUSED', path: 'size', limit, depth: limit + 1 }],
      [{}, { session: { deleted: epochMs(1) } }, { code: 'SESSION_DELETED' }],
      [{}, { takesFiles: false }, { code: 'INVALID_FRAME' }],
    ] as const) {
      const { upload, table } = given({ item: null, ...options });
      const before = [...table.all()].length;
      expect(await upload(more, ANN)).toMatchObject([{ type: 'error', id: 'u', ...error }]);
      expect([...table.all()].length).toBe(before);
    }
  });

  it('P12: beyond the bytes of its principal’s day is refused, and one that is counted for nobody is not', async () => {
    const { upload, core } = given();
    Object.assign(core, { rates: { ...core.rates, dayFileBytes: 150 } });
    expect((await upload({}, ANN)).at(-1)).toMatchObject({ type: 'upload' });
    expect((await upload({}, ANN)).at(-1)).toMatchObject({ code: 'BUDGET_EXCEEDED', id: 'u', limit: 150 });
    expect((await upload({})).at(-1)).toMatchObject({ type: 'upload' });
  });
});

describe('a download', () => {
  it('is answered by an address for a while, with what is known of the file', async () => {
    const { download, asked, session } = given({ item: { checked: true, name: 'cat.png' } });
    expect(await download()).toEqual([
      {
        type: 'download',
        id: 'd',
        file: FILE,
        media_type: 'image/png',
        size: 100,
        name: 'cat.png',
        url: 'https://bucket.test/down',
        expires_in_ms: 600_000,
      },
    ]);
    expect(asked).toEqual([[objectKey(session, FILE), { type: 'image/png', name: 'cat.png' }]]);
  });

  it.each<[string, Parameters<typeof given>[0], string]>([
    ['that nobody has looked at', {}, 'FILE_NOT_FOUND'],
    ['that is not there', { item: null }, 'FILE_NOT_FOUND'],
    ['whose time is over', { item: { checked: true, until: epochMs(NOW) } }, 'FILE_NOT_FOUND'],
    [
      'of a deleted session',
      { item: { checked: true }, session: { deleted: epochMs(1) } },
      'SESSION_DELETED',
    ],
    ['where none are taken', { item: { checked: true }, takesFiles: false }, 'INVALID_FRAME'],
  ])('P12: of a file %s is refused', async (_, options, code) => {
    const { download, asked } = given(options);
    expect(await download()).toMatchObject([{ type: 'error', code, id: 'd' }]);
    expect(asked).toEqual([]);
  });

  it('P12: of a file of another session is refused, as if it were not there', async () => {
    const { download, table } = given({ item: null });
    const other = sessionOf(ANN, asSessionId('other'));
    table.put(fileKey(other, FILE), {
      type: 'image/png',
      size: 100,
      until: epochMs(NOW + 1),
      expires: epochSeconds(4e9),
      checked: true,
    });
    expect(await download()).toMatchObject([{ code: 'FILE_NOT_FOUND', id: 'd' }]);
  });
});
