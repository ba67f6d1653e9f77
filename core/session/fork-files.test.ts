import { expect, it } from 'vitest';
import { milliseconds } from '../../config/units.ts';
import { png } from '../../test/support/files.ts';
import type { Core } from '../core.ts';
import { objectKey } from '../files/object-key.ts';
import { putFile } from '../files/put-file.ts';
import { asConnectionId, asFileId, asSessionId } from '../ids.ts';
import { handleFrame } from '../inbound/dispatch.ts';
import { continueFork } from '../inbound/fork.ts';
import type { Model } from '../model.ts';
import type { ForkJob } from '../ports.ts';
import { fileKey, sessionOf } from '../store/keys.ts';
import { clientInMemory } from '../testing/client-in-memory.ts';
import { memoryFiles } from '../testing/memory-files.ts';
import { isWrite, MemoryTable, memoryStore } from '../testing/memory-store.ts';
import { mortal } from '../testing/mortal.ts';
import { idleToolbox } from '../testing/turn-in-memory.ts';
import { carryOutDeletion } from './deletion.ts';

const PRINCIPAL = { tenant: 't', subject: 's' };
const keyOf = (id: string) => sessionOf(PRINCIPAL, asSessionId(id));

const MAP = { type: 'file', file: 'map', media_type: 'image/png', size: 300 } as const;

/** Draws once, then answers. */
const drawing: Model = {
  provider: 'test',
  name: 'draws',
  async *stream({ messages }) {
    const isDrawn = messages.some(({ role }) => role === 'tool');
    if (isDrawn) yield { type: 'text', text: 'ok' };
    else yield { type: 'tool_call', id: 'c1', name: 'draw', args: {} };
    yield { type: 'finish', reason: 'stop', usage: { inputTokens: 1, outputTokens: 1 } };
  },
};

/** A session whose first turn has a file of its user and one of its tool, and the second another one of its user. */
async function given() {
  const files = memoryFiles();
  const forks: ForkJob[] = [];
  const deletions: Parameters<Core['queues']['sendDeletion']>[0][] = [];
  const { beforeWrite, dyingAfter } = mortal();
  const store = memoryStore(new MemoryTable(), async (call, run) => {
    if (isWrite(call)) beforeWrite();
    return run();
  });
  const client = await clientInMemory({
    core: {
      store,
      files: {
        ...files,
        copy: async (...keys) => {
          beforeWrite();
          return files.copy(...keys);
        },
      },
    },
    model: drawing,
    toolbox: {
      ...idleToolbox,
      run: async () => ({ output: { maps: [{ ...MAP }] }, isError: false }),
    },
  });
  await putFile({ ...client.core, files }, keyOf('one'), asFileId(MAP.file), {
    type: MAP.media_type,
    name: 'map',
    bytes: png(MAP.size),
  });
  client.core.queues.sendFork = async (job) => void forks.push(job);
  client.core.queues.sendDeletion = async (deletion) => void deletions.push(deletion);
  const send = async (id: string, size: number) => {
    const about = { media_type: 'image/png', size };
    const [address] = await client.send({ type: 'upload', id, ...about });
    const file = asFileId(String(address?.file));
    await files.put(objectKey(keyOf('one'), file), png(size), 'image/png');
    await client.send({ type: 'message', id, content: [{ type: 'file', file, ...about }] });
    await client.run();
  };
  await send('m1', 100);
  await send('m2', 200);
  return {
    client,
    files,
    forks,
    dyingAfter,
    /** The sizes of the files whose bytes a session has. */
    sizes(session: string) {
      const prefix = objectKey(keyOf(session), asFileId(''));
      return [...files.objects]
        .flatMap(([key, { bytes }]) => (key.startsWith(prefix) ? bytes.length : []))
        .sort((a, b) => a - b);
    },
    async remove(session: string) {
      await client.send({ type: 'delete', session_id: session });
      client.setNow(client.core.clock.now() + milliseconds(60 * 60_000));
      for (const deletion of deletions.splice(0)) await carryOutDeletion(client.core, deletion);
    },
  };
}

const fork = (cut: object = {}) => ({ type: 'fork', session_id: 'two', from: 'one', ...cut });

it('at whichever write its function dies, a fork has the files that its entries name, and they go with it alone', async () => {
  for (let writes = 0; ; writes++) {
    const { client, forks, dyingAfter, sizes, remove, files } = await given();
    const died = await dyingAfter(writes, () => client.send(fork({ before: 'm2' })));
    const [job] = forks;
    if (writes % 2 === 1 && job) await continueFork(client.core, job);
    else await client.send(fork({ before: 'm2' }));
    // That of the message before which it is cut as well: a client sends it again.
    expect(sizes('two')).toEqual([100, 200, 300]);
    await remove('one');
    expect(sizes('one')).toEqual([]);
    expect(sizes('two')).toEqual([100, 200, 300]);
    await remove('two');
    expect(files.objects.size).toBe(0);
    if (!died) {
      expect(writes).toBeGreaterThan(10);
      return;
    }
  }
});

it('the bytes of copied files count to the day of who forks; beyond it the fork is made, and its files look as if they had expired', async () => {
  const { client, sizes } = await given();
  const countedFor = PRINCIPAL;
  const core: Core = { ...client.core, rates: { ...client.core.rates, dayFileBytes: 450 } };
  const body = JSON.stringify(fork({ before: 'm2' }));
  await handleFrame(core, {
    connectionId: asConnectionId('c'),
    receivedAt: core.clock.now(),
    countedFor,
    body,
  });
  expect(client.frames.at(-1)).toMatchObject({ type: 'forked', session_id: 'two' });
  // Two files have room, and the one that is copied last has none.
  expect(sizes('two')).toEqual([100, 300]);
  const unread = await client.core.store.query(
    fileKey(keyOf('two'), asFileId('')),
    fileKey(keyOf('two'), asFileId('~')),
  );
  expect(unread.filter(({ checked }) => !checked)).toMatchObject([{ size: 200 }]);
});

it('has the files of all its entries, also of a transcript that is copied in several groups', async () => {
  const { client, sizes } = await given();
  for (let n = 0; n < 10; n++) {
    await client.send({ type: 'message', id: `more${n}`, content: 'more' });
    await client.run();
  }
  const [answer] = await client.send(fork());
  expect(answer).toMatchObject({ type: 'forked' });
  expect(Number(answer?.message_count)).toBeGreaterThan(25);
  expect(sizes('two')).toEqual([100, 200, 300]);
});
