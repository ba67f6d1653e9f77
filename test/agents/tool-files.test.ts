import { tool } from 'ai';
import { expect, test } from 'vitest';
import * as z from 'zod';
import type { FilePart } from '../../core/content.ts';
import { FileError } from '../../core/file-error.ts';
import { asSessionId } from '../../core/ids.ts';
import type { Files } from '../../core/ports.ts';
import { sessionOf } from '../../core/store/keys.ts';
import { memoryCore } from '../../core/testing/memory-core.ts';
import { memoryFiles } from '../../core/testing/memory-files.ts';
import { isWrite, MemoryTable, memoryStore } from '../../core/testing/memory-store.ts';
import { callFiles } from '../../core/turn/tool-files.ts';
import { modelFile } from '../../model/agent/model-file.ts';
import { toolContext } from '../../model/agent/tool-context.ts';
import { MAX_FILE_BYTES } from '../../protocol/limits.ts';
import { png } from '../support/files.ts';
import { type ModelCall, resultsIn, runAgent, runWithDeaths } from './agent-in-memory.ts';

const calls = (name: string) => (call: ModelCall) =>
  resultsIn(call).length > 0 ? 'Here it is.' : ([[name, {}]] as const);

/** Draws another picture, of another size, each time it runs. */
function drawing() {
  let runs = 0;
  return tool({
    inputSchema: z.object({}),
    contextSchema: toolContext,
    execute: (_, { context }) =>
      context.files.put({ name: 'map.png', mediaType: 'image/png', bytes: png(200 + ++runs) }),
    toModelOutput: ({ output }) => ({
      type: 'content',
      value: [{ type: 'text', text: 'A map.' }, modelFile(output as FilePart)],
    }),
  });
}

test('P13 after a death at any write there is one file, whose reference is the result, and the model is given its bytes', async () => {
  const buckets: ReturnType<typeof memoryFiles>[] = [];
  const given = {
    get files() {
      const files = memoryFiles();
      buckets.push(files);
      return files;
    },
  };
  const agent = { tools: { draw: { tool: drawing(), idempotent: true } } };
  const turns = await runWithDeaths(agent, calls('draw'), undefined, given);
  // The first bucket is that of the run without a death. A tool whose own write fails is told so.
  const whole = turns.flatMap((turn, i) =>
    JSON.stringify(turn.said).includes('the worker dies') ? [] : [{ ...turn, bucket: buckets[i + 1] }],
  );
  expect(whole.length).toBe(turns.length - 2);
  for (const { said, calls, bucket } of whole) {
    const objects = [...(bucket?.objects ?? [])];
    expect(objects).toHaveLength(1);
    const [key, { bytes }] = objects[0] ?? ['', { bytes: png() }];
    const file = key.split('/').at(-1);
    const size = bytes.length;
    expect(said[1]).toEqual({ gave: { type: 'file', file, media_type: 'image/png', size, name: 'map.png' } });
    const prompt = calls.at(-1)?.prompt ?? [];
    const results = prompt.findIndex(({ role }) => role === 'tool');
    expect(prompt.slice(results, results + 2)).toMatchObject([
      {
        role: 'tool',
        content: [
          {
            output: { value: [{ text: 'A map.' }, { text: expect.stringContaining('follows the results') }] },
          },
        ],
      },
      {
        role: 'user',
        content: [
          { text: expect.stringContaining('files of the tools') },
          {
            mediaType: 'image/png',
            filename: 'map.png',
            data: { data: Buffer.from(bytes).toString('base64') },
          },
        ],
      },
    ]);
  }
});

test.each([1, 2, 3])(
  'what a worker left that died at write %d of a file is the file, whatever is put again',
  async (dies) => {
    const files = memoryFiles();
    let writes = 0;
    const died = () => {
      if (++writes === dies) throw new Error('the worker dies');
    };
    const store = memoryStore(new MemoryTable(), async (call, run) => {
      if (isWrite(call)) died();
      return run();
    });
    const bucket: Files = {
      ...files,
      put: async (...file) => {
        died();
        return files.put(...file);
      },
    };
    const core = memoryCore({ store, files: bucket });
    const session = sessionOf({ tenant: 't', subject: 's' }, asSessionId('one'));
    const put = (size: number) =>
      callFiles(core, session, 'turn:call', new AbortController().signal).put({
        name: 'a.png',
        mediaType: 'image/png',
        bytes: png(size),
      });
    await expect(put(100)).rejects.toThrow('dies');
    const again = await put(200);
    const [[key, { bytes }] = ['', { bytes: png(1) }]] = files.objects;
    expect(again).toMatchObject({ size: bytes.length, file: key.split('/').at(-1) });
    expect(bytes.length).toBe(dies === 3 ? 100 : 200);
    expect(await put(300)).toEqual(again);
    expect(files.objects.size).toBe(1);
  },
);

test.each([
  ['FILE_NAME_INVALID', 'A file has a name', [{ name: '' }]],
  ['FILE_NAME_INVALID', 'already', [{}, { bytes: png(300) }]],
  ['FILE_SIZE_INVALID', 'and this one 0', [{ bytes: Buffer.of() }]],
  ['FILE_SIZE_INVALID', '1 to 20971520 bytes', [{ bytes: png(MAX_FILE_BYTES + 1) }]],
  ['FILE_TYPE_INVALID', 'is image/png, and not', [{ mediaType: 'image/jpeg' }]],
  [
    'FILE_TYPE_INVALID',
    'of none of the types',
    [{ bytes: Buffer.from('<svg>'), mediaType: 'image/svg+xml' }],
  ],
  ['FILE_TOO_MANY', '20 files', Array.from({ length: 21 }, (_, n) => ({ name: `${n}.png` }))],
] as const)(
  '%s: a file that cannot be stored is told to the tool, and else to the model (%s)',
  async (code, says, puts) => {
    const caught: unknown[] = [];
    const files = memoryFiles();
    const store = tool({
      inputSchema: z.object({}),
      contextSchema: toolContext,
      async execute(_, { context }) {
        try {
          for (const one of puts)
            await context.files.put({ name: 'a.png', mediaType: 'image/png', bytes: png(), ...one });
        } catch (error) {
          caught.push(error);
          throw error;
        }
      },
    });
    const { said } = await runAgent({ tools: { store } }, calls('store'), { files });
    expect(caught).toEqual([expect.any(FileError)]);
    expect(caught).toMatchObject([{ code }]);
    expect(said[1]).toEqual({ gave: expect.stringContaining(says), failed: true });
    expect(files.objects.size).toBe(puts.length - 1);
  },
);

test('a deployment that takes no files says so, and a call that has ended stores nothing', async () => {
  const late: unknown[] = [];
  let put = async (): Promise<unknown> => undefined;
  const store = tool({
    inputSchema: z.object({}),
    contextSchema: toolContext,
    execute(_, { context }) {
      put = () => context.files.put({ name: 'a.png', mediaType: 'image/png', bytes: png() });
      return 'stored later';
    },
  });
  const files = memoryFiles();
  await runAgent({ tools: { store } }, calls('store'), { files });
  await put().catch((error) => late.push(error));
  await runAgent({ tools: { store } }, calls('store'));
  await put().catch((error) => late.push(error));
  expect(late).toMatchObject([{ code: 'FILE_TOO_LATE' }, { code: 'FILES_OFF' }]);
  expect(files.objects.size).toBe(0);
});
