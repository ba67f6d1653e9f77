import { MidturnChatTransport, type MidturnChatTransportOptions } from '../ai-sdk/transport.ts';
import type { Chunk } from '../ai-sdk/ui-message.ts';
import type { FrameOf } from '../protocol.ts';
import { Clock, clockPlatform } from './clock.ts';
import { last } from './last.ts';
import { type FakeSocket, fakeSockets } from './socket.ts';
import { Story } from './story.ts';

/** The transport of `useChat` over scripted sockets, in a time that passes only when the test says so. Its chat is `s`. */
export function givenTransport(options: Partial<MidturnChatTransportOptions> = {}) {
  const clock = new Clock();
  const { WebSocket, sockets } = fakeSockets();
  const { platform } = clockPlatform(clock, { idPrefix: 'id' });
  const transport = new MidturnChatTransport({
    url: 'wss://example.test/prod',
    WebSocket,
    platform,
    ...options,
  });
  const story = new Story();
  /** Opens the newest socket, and answers as the session of this story. */
  const open = async (more: Partial<FrameOf<'session_start'>> = {}, of = story): Promise<FakeSocket> => {
    await clock.advance(0);
    const socket = last(sockets);
    if (!socket) throw new Error('The client has made no socket.');
    socket.accept();
    socket.deliver({ ...of.sessionStart('lane-1'), ...more });
    const after = last(socket.sentOf('connect'))?.resume?.after_seq;
    if (socket.sentOf('history').length > 0) socket.deliver(of.page({}));
    if (after !== undefined) socket.deliver(...of.events.slice(after));
    socket.deliver({ type: 'connected', message: '' });
    await clock.advance(0);
    return socket;
  };
  const send = (
    id: string,
    more: Partial<Parameters<typeof transport.sendMessages>[0]> = {},
  ): ReturnType<typeof transport.sendMessages> =>
    transport.sendMessages({
      trigger: 'submit-message',
      chatId: 's',
      messageId: undefined,
      messages: [{ id, role: 'user', parts: [{ type: 'text', text: `says ${id}` }] }],
      abortSignal: undefined,
      ...more,
    });
  return { clock, transport, sockets, story, open, send };
}

/** What a page reads of a stream. */
export interface Read {
  readonly chunks: Chunk[];
  isOver: boolean;
}

export function read(stream: ReadableStream<unknown> | null): Read {
  const told: Read = { chunks: [], isOver: false };
  const readAll = async () => {
    if (stream) for await (const chunk of stream as unknown as AsyncIterable<Chunk>) told.chunks.push(chunk);
    told.isOver = true;
  };
  void readAll();
  return told;
}
