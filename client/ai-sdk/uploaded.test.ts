import { afterEach, describe, expect, it, vi } from 'vitest';
import { givenChat } from '../testing/given-chat.ts';
import type { MidturnUIMessage } from './ui-message.ts';
import { uploaded } from './uploaded.ts';

afterEach(() => {
  vi.unstubAllGlobals();
});

type Part = MidturnUIMessage['parts'][number];
const user = (...parts: object[]) => ({ id: 'm1', role: 'user' as const, parts: parts as Part[] });

describe('files of a message', () => {
  /** A server whose messages have this room, and what its bucket was sent. */
  async function given(content_bytes: number, file_bytes: number | undefined = 1e6) {
    const { chat, clock, open, socket, story } = givenChat();
    const bodies: { size: number; type: string; bytes: Promise<ArrayBuffer> }[] = [];
    vi.stubGlobal('fetch', async (_: string, { body }: { body: Blob }) => {
      bodies.push({ size: body.size, type: body.type, bytes: body.arrayBuffer() });
      return new Response(null, { status: 200 });
    });
    const { limits } = story.sessionStart('lane-1');
    if (!limits) throw new Error('There are limits.');
    const connect = async () => {
      await clock.advance(0);
      const newest = socket();
      newest.onsent = (frame) => {
        if (frame.type !== 'upload') return;
        const answer = { file: `f-${frame.id}`, url: 'https://b.test/', headers: {}, expires_in_ms: 1 };
        newest.deliver({ type: 'upload', id: frame.id, method: 'PUT', ...answer });
      };
      return open('lane-1', { limits: { ...limits, content_bytes, ...(file_bytes && { file_bytes }) } });
    };
    return { chat, connect, bodies };
  }
  const image = { type: 'file', mediaType: 'image/png', url: 'data:image/png;base64,AAAA' };
  const pdf = {
    type: 'file',
    mediaType: 'application/pdf',
    url: 'data:application/pdf;base64,/wCA',
    filename: 'ä.pdf',
  };
  const note = { type: 'text', text: '€' };
  const sizeOf = (...parts: object[]) => Buffer.byteLength(JSON.stringify(JSON.stringify(parts)));

  it('travel in it as images, as long as all of it fits, by the bytes of its JSON', async () => {
    const size = sizeOf(note, image);
    for (const [room, uploads] of [
      [size, 0],
      [size - 1, 1],
    ] as const) {
      const { chat, connect, bodies } = await given(room);
      await connect();
      const { parts } = await uploaded(chat, user(note, image));
      expect(bodies).toHaveLength(uploads);
      expect(parts[1]).toMatchObject(
        uploads ? { url: expect.stringMatching(/^midturn-file:f-.*\?size=3$/) } : image,
      );
    }
  });

  it('that are no images are uploaded as they are, with their names', async () => {
    const { chat, connect, bodies } = await given(1e5);
    const text = { type: 'file', mediaType: '', url: 'data:audio/wav,a%C3%BFb' };
    // Whether the server takes files is known once there is a connection.
    const done = uploaded(chat, user(pdf, image, text));
    const socket = await connect();
    const message = await done;
    expect(message).toMatchObject({ id: 'm1', role: 'user' });
    expect(message.parts[1]).toBe(image);
    expect(socket.sentOf('upload').map(({ media_type, size, name }) => [media_type, size, name])).toEqual([
      ['application/pdf', 3, 'ä.pdf'],
      ['audio/wav', 3, undefined],
    ]);
    const [first] = bodies;
    expect([...new Uint8Array((await first?.bytes) ?? [])]).toEqual([0xff, 0x00, 0x80]);
  });

  it('stay as they are where the server takes none, which is known once it has been asked', async () => {
    const { chat, connect, bodies } = await given(1e5, 0);
    const message = user(pdf);
    const result = uploaded(chat, message);
    await connect();
    expect(await result).toBe(message);
    expect(bodies).toEqual([]);
    const foreign = user({ type: 'file', mediaType: 'image/png', url: 'https://a.test/b.png' });
    expect(await uploaded(givenChat().chat, foreign)).toBe(foreign);
  });
});
