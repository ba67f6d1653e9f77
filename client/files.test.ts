import { afterEach, expect, it, vi } from 'vitest';
import { filesOfCut } from '../protocol/files-in.ts';
import { filesIn, fileUrl, uploadFile } from './files.ts';
import { givenChat } from './testing/given-chat.ts';

const refusal = { type: 'error', message: 'No.', terminal: false, retryable: false } as const;
const address = (id: string, file: string) => ({
  type: 'upload' as const,
  id,
  file,
  method: 'PUT' as const,
  url: `https://bucket.test/${file}`,
  headers: { 'content-type': 'audio/mpeg', 'if-none-match': '*' },
  expires_in_ms: 600_000,
});

afterEach(() => {
  vi.unstubAllGlobals();
});

/** What the bucket answers, and what it was sent. */
function givenBucket(...statuses: (number | 'lost')[]) {
  const requests: { url: string; init: RequestInit }[] = [];
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
    requests.push({ url, init });
    const status = statuses.shift();
    if (typeof status !== 'number') throw new TypeError('fetch failed');
    return new Response(null, { status });
  });
  return requests;
}

async function given(...statuses: (number | 'lost')[]) {
  const requests = givenBucket(...statuses);
  const { chat, open } = givenChat();
  const socket = await open();
  const file = new File(['ID3'], 'voice.mp3', { type: 'audio/mp3' });
  const upload = () => {
    const done = uploadFile(chat, file);
    const frame = socket.sentOf('upload').at(-1);
    if (!frame) throw new Error('no frame');
    return { done, frame };
  };
  return { chat, socket, requests, file, upload };
}

it('an upload asks for an address, puts the bytes there, and gives the part of a message', async () => {
  const { socket, requests, file, upload } = await given(200);
  const { done, frame } = upload();
  expect(frame).toMatchObject({ media_type: 'audio/mpeg', size: 3, name: 'voice.mp3' });
  // That of another upload answers nothing.
  socket.deliver(address('other', 'f0'), address(frame.id, 'f1'));
  expect(await done).toEqual({
    type: 'file',
    file: 'f1',
    media_type: 'audio/mpeg',
    size: 3,
    name: 'voice.mp3',
  });
  expect(requests).toMatchObject([
    { url: 'https://bucket.test/f1', init: { method: 'PUT', headers: { 'if-none-match': '*' }, body: file } },
  ]);
});

it.each([
  ['image/jpg', 'image/jpeg'],
  ['audio/mp3', 'audio/mpeg'],
  ['audio/wave', 'audio/wav'],
  ['audio/x-wav', 'audio/wav'],
  ['audio/vnd.wave', 'audio/wav'],
  ['audio/m4a', 'audio/mp4'],
  ['audio/x-m4a', 'audio/mp4'],
  ['audio/x-flac', 'audio/flac'],
  ['application/pdf', 'application/pdf'],
])('the type that a browser names %s is told to the server as %s', async (type, media_type) => {
  const { chat, socket } = await given();
  void uploadFile(chat, new File(['x'], 'a', { type }));
  expect(socket.sentOf('upload')).toMatchObject([{ media_type }]);
});

it.each([new Blob(['x'], { type: 'image/png' }), new File(['x'], '', { type: 'image/png' })])(
  'what has no name is uploaded without one',
  async (file) => {
    const { chat, socket } = await given();
    void uploadFile(chat, file);
    expect(socket.sentOf('upload')).toHaveLength(1);
    expect(socket.sentOf('upload')[0]).not.toHaveProperty('name');
  },
);

it('an upload whose first try has arrived is there; another answer, and a lost connection, are errors', async () => {
  const { socket, upload } = await given(412, 403, 'lost');
  const first = upload();
  socket.deliver(address(first.frame.id, 'f1'));
  expect(await first.done).toMatchObject({ file: 'f1' });
  for (const file of ['f2', 'f3']) {
    const { done, frame } = upload();
    socket.deliver(address(frame.id, file));
    await expect(done).rejects.toMatchObject({ code: 'UPLOAD_FAILED' });
  }
});

it('a refusal is that of its own request: of an upload, and of an address to read from', async () => {
  const { chat, socket, requests, upload } = await given();
  const { done, frame } = upload();
  const url = fileUrl(chat, 'f9');
  const id = socket.sentOf('download')[0]?.id ?? '';
  socket.deliver({ ...refusal, code: 'FILE_REFUSED', id: frame.id });
  await expect(done).rejects.toMatchObject({ name: 'ServerReplyError', code: 'FILE_REFUSED' });
  socket.deliver({
    type: 'download',
    id,
    file: 'f9',
    media_type: 'image/png',
    size: 3,
    url: 'https://bucket.test/f9',
    expires_in_ms: 600_000,
  });
  expect(await url).toBe('https://bucket.test/f9');
  expect(requests).toEqual([]);
});

it('an upload that the server refuses for its rate is asked for again when it says', async () => {
  const requests = givenBucket(200);
  const { chat, clock, open } = givenChat();
  const socket = await open();
  const done = uploadFile(chat, new File(['ID3'], 'voice.mp3', { type: 'audio/mp3' }));
  const id = socket.sentOf('upload').at(-1)?.id ?? '';
  socket.deliver({ ...refusal, code: 'RATE_LIMITED', retryable: true, retry_after_ms: 2000, id });
  await clock.advance(1000);
  expect(socket.sentOf('upload')).toHaveLength(1);
  await clock.advance(1000);
  expect(socket.sentOf('upload').map((frame) => frame.id)).toEqual([id, id]);
  socket.deliver(address(id, 'f1'));
  expect((await done).file).toBe('f1');
  expect(requests).toHaveLength(1);
});

it('files of a tool are found wherever its output names them: in order, each once, and nothing else', () => {
  const file = (n: number) => ({ type: 'file', file: `f${n}`, media_type: 'image/png', size: n });
  const deep = Array.from({ length: 5000 }).reduce<unknown>((value) => [value], { map: file(3) });
  const output = { a: [file(1), { ...file(2), name: 'b.png' }], again: file(1), deep, size: 4 };
  expect(filesIn(output)).toEqual([file(1), { ...file(2), name: 'b.png' }, file(3)]);
  for (const none of [null, 'file', 7, { ...file(1), size: '1' }, { ...file(1), name: 2 }, { type: 'file' }])
    expect(filesIn(none)).toEqual([]);
  // The store takes no key of more than 1,024 bytes, and a fork looks for each of these.
  for (const id of ['', 'f'.repeat(1100), 'f 1', '\ud800', '__proto__'])
    expect(filesIn({ ...file(1), file: id })).toEqual([]);
  expect(filesIn(Array.from({ length: 30 }, (_, n) => file(n)))).toHaveLength(20);
  // What the tool says itself may look like the end of an output that was cut.
  const cut = filesOfCut([file(1) as never]);
  expect(filesIn(`"a${filesOfCut([file(2) as never])} b${cut}"`)).toEqual([file(1)]);
});
