import { expect, it } from 'vitest';
import { epochMs } from '../../config/units.ts';
import { png } from '../../test/support/files.ts';
import { excessOfBytes } from '../files/day-bytes.ts';
import { objectKey } from '../files/object-key.ts';
import { asFileId, asSessionId } from '../ids.ts';
import { sessionOf } from '../store/keys.ts';
import { clientInMemory } from '../testing/client-in-memory.ts';
import { memoryCore } from '../testing/memory-core.ts';
import { memoryFiles } from '../testing/memory-files.ts';

const DAY = 86_400_000;
const SESSION = sessionOf({ tenant: 't', subject: 's' }, asSessionId('one'));

async function given() {
  const files = memoryFiles();
  const client = await clientInMemory({ core: { files } });
  const begin = client.core.clock.now();
  const about = { media_type: 'image/png', size: 100 };
  const [address] = await client.send({ type: 'upload', id: 'u1', ...about });
  const file = String(address?.file);
  await files.put(objectKey(SESSION, asFileId(file)), png(100), 'image/png');
  const send = async (id: string) => {
    const content = [{ type: 'file', file, ...about }];
    const answers = await client.send({ type: 'message', id, content });
    await client.run();
    return answers[0];
  };
  const download = async () => (await client.send({ type: 'download', id: 'd', file }))[0];
  return { client, send, download, after: (ms: number) => client.setNow(begin + ms) };
}

it('a file that no message has can be sent for a day, to the last millisecond', async () => {
  const { send, after } = await given();
  after(DAY);
  expect(await send('m1')).toMatchObject({ type: 'error', code: 'FILE_NOT_FOUND' });
  after(DAY - 1);
  expect(await send('m2')).toMatchObject({ type: 'accepted' });
});

it('P1: a file that a message has is there as long as its entry, also if it was sent in its last moment', async () => {
  const { send, download, after, client } = await given();
  after(DAY - 1);
  await send('m1');
  after(DAY - 1 + client.core.retention.transcriptDays * DAY);
  expect(await download()).toMatchObject({ type: 'download' });
  after(DAY - 1 + (client.core.retention.transcriptDays + 2) * DAY);
  expect(await download()).toMatchObject({ type: 'error', code: 'FILE_NOT_FOUND' });
});

it.each([
  ['as large as one may be', 0, 'upload'],
  ['a byte larger', 1, 'error'],
])('a file %s is taken, or refused', async (_, more, type) => {
  const { client } = await given();
  const size = client.core.limits.fileBytes + more;
  expect(await client.send({ type: 'upload', id: 'u2', media_type: 'image/png', size })).toMatchObject([
    { type },
  ]);
});

it('P12: each principal may upload so many bytes in a day, to the last one, and again on the next day', async () => {
  let now = epochMs(10 * DAY);
  const core = memoryCore({
    clock: { now: () => now, sleep: async () => {} },
    rates: { framesPerMinute: 0, connectionsPerMinute: 0, dayFileBytes: 100 },
  });
  const ann = { tenant: 'acme', subject: 'ann' };
  expect(await excessOfBytes(core, ann, 60)).toBeUndefined();
  expect(await excessOfBytes(core, ann, 40)).toBeUndefined();
  for (const another of [
    { ...ann, subject: 'bob' },
    { ...ann, tenant: 'globex' },
  ])
    expect(await excessOfBytes(core, another, 100)).toBeUndefined();
  now = epochMs(11 * DAY - 1);
  const refusal = { code: 'BUDGET_EXCEEDED', limit: 100, until: 11 * DAY, retry_after_ms: 1 };
  expect(await excessOfBytes(core, ann, 1)).toMatchObject(refusal);
  now = epochMs(11 * DAY);
  expect(await excessOfBytes(core, ann, 100)).toBeUndefined();
  const unlimited = memoryCore({ rates: { ...core.rates, dayFileBytes: 0 } });
  expect(await excessOfBytes(unlimited, ann, 2 ** 40)).toBeUndefined();
});
