import { expect, it } from 'vitest';
import { epochMs, epochSeconds } from '../../config/units.ts';
import type { FilePart } from '../content.ts';
import type { Entry } from '../events/entries.ts';
import { asFileId, asMessageId, asSessionId, asTurnId } from '../ids.ts';
import type { Files } from '../ports.ts';
import { fileKey, sessionOf } from '../store/keys.ts';
import { memoryCore } from '../testing/memory-core.ts';
import type { LeasedTurn } from './leased-turn.ts';
import { promptFiles } from './prompt-files.ts';

const MEGABYTE = 1024 * 1024;
const NOW = 1_800_000_000_000;
const session = sessionOf({ tenant: 't', subject: 's' }, asSessionId('one'));

const partOf = (file: string, size: number): FilePart => ({
  type: 'file',
  file,
  media_type: 'application/pdf',
  size,
});

const said = (n: number, content: FilePart[]): Entry => ({
  n,
  turn: asTurnId(`t${n}`),
  role: 'user',
  id: asMessageId(`m${n}`),
  at: epochMs(NOW),
  step: 1,
  content,
});

/** A bucket that gives the name of what is asked for, and counts how much it is asked at once. */
function given() {
  let reading = 0;
  let most = 0;
  const read: Files['read'] = async (key) => {
    most = Math.max(most, ++reading);
    await new Promise((resolve) => setImmediate(resolve));
    reading--;
    return `bytes of ${key.split('/').at(-1)}`;
  };
  const files = { read } as Files;
  const core = memoryCore({ files, clock: { now: () => epochMs(NOW), sleep: async () => {} } });
  return {
    most: () => most,
    put: (file: string, size: number, until = NOW + 1, checked = true) =>
      core.store.put(fileKey(session, asFileId(file)), {
        type: 'application/pdf',
        size,
        ...(checked && { checked }),
        until: epochMs(until),
        expires: epochSeconds(NOW / 1000 + 1),
      }),
    prompt: (earlier: Entry[], current: Entry[] = [], checksMessages = false) =>
      promptFiles({ session, core } as LeasedTurn, { earlier, current, firstEntry: 1, checksMessages }),
  };
}

it('a file of an old turn that has expired is told as gone, and later ones are read', async () => {
  const { put, prompt } = given();
  await put('old', 100, NOW);
  await put('new', 100);
  const files = await prompt([said(1, [partOf('old', 100)])], [said(2, [partOf('new', 100)])]);
  expect(Object.fromEntries(files)).toEqual({ old: 'gone', new: 'bytes of new' });
});

it('the newest files have room, and an older one that has none is told as too large', async () => {
  const { put, prompt } = given();
  const sizes = { first: 5, second: 20, third: 4 };
  for (const [file, size] of Object.entries(sizes)) await put(file, size * MEGABYTE);
  const entries = Object.entries(sizes).map(([file, size], i) =>
    said(i + 1, [partOf(file, size * MEGABYTE)]),
  );
  const files = await prompt(entries);
  expect(Object.fromEntries(files)).toEqual({
    first: 'large',
    second: 'bytes of second',
    third: 'bytes of third',
  });
});

it('the files of a prompt are together 24 MB at most, and one that is named twice counts once', async () => {
  const { put, prompt } = given();
  const newest = said(3, [partOf('newest', 23 * MEGABYTE)]);
  await put('newest', 23 * MEGABYTE);
  for (const [older, size] of [
    ['fits', MEGABYTE],
    ['large', MEGABYTE + 1],
  ] as const) {
    await put(older, size);
    const files = await prompt([said(1, [partOf(older, size)]), newest, { ...newest, n: 4 }]);
    const expected = older === 'fits' ? 'bytes of fits' : 'large';
    expect(Object.fromEntries(files)).toEqual({ [older]: expected, newest: 'bytes of newest' });
  }
});

it('P12: a file whose bytes were never checked is in no prompt', async () => {
  const { put, prompt } = given();
  await put('unchecked', 100, NOW + 1, false);
  expect(Object.fromEntries(await prompt([said(1, [partOf('unchecked', 100)])]))).toEqual({
    unchecked: 'gone',
  });
});

it('hundreds of small files are read a few at a time: the SDK has fifty sockets, and gives up what waits for one', async () => {
  const { put, prompt, most } = given();
  const names = Array.from({ length: 400 }, (_, n) => `f${n}`);
  for (const name of names) await put(name, 100);
  const files = await prompt(names.map((name, i) => said(i + 1, [partOf(name, 100)])));
  expect([...files.values()].filter((data) => data.startsWith('bytes of'))).toHaveLength(400);
  expect(most()).toBeLessThanOrEqual(25);
});

it('P2: a file of a message that no hook may have seen is not read', async () => {
  const { put, prompt } = given();
  await put('unseen', MEGABYTE);
  await put('asked', MEGABYTE);
  const aborted: Entry = {
    n: 2,
    turn: asTurnId('t1'),
    role: 'event',
    event: { type: 'aborted', seq: 2, turn: asTurnId('t1'), by: 'user', first: 1 },
  };
  const earlier = [said(1, [partOf('unseen', MEGABYTE)]), aborted];
  const current = [said(3, [partOf('asked', MEGABYTE)])];
  expect([...(await prompt(earlier, current, true)).keys()]).toEqual(['asked']);
  expect([...(await prompt(earlier, current)).keys()].toSorted()).toEqual(['asked', 'unseen']);
});
