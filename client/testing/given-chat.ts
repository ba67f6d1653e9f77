import type { MidturnOptions } from '../chat.ts';
import type { EventFrame, MidturnError } from '../index.ts';
import { createMidturn } from '../midturn.ts';
import type { FrameOf, ServerFrame } from '../protocol.ts';
import { Clock, clockPlatform } from './clock.ts';
import { last } from './last.ts';
import { type FakeSocket, fakeSockets } from './socket.ts';
import { Story } from './story.ts';

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;

/** A chat over scripted sockets, in a time that passes only when the test says so. Ids of its messages are `m1`, `m2`, … */
export function givenChat(options: Partial<MidturnOptions> = {}) {
  const clock = new Clock();
  const { WebSocket, sockets } = fakeSockets();
  const { platform, wake, listeners } = clockPlatform(clock, { idPrefix: options.name ?? 'm' });
  const errors: MidturnError[] = [];
  const chat = createMidturn({
    url: 'wss://example.test/prod',
    sessionId: 's',
    WebSocket,
    platform,
    onError: (error) => errors.push(error),
    ...options,
  });
  const story = new Story();
  const socket = (): FakeSocket => {
    const found = last(sockets);
    if (!found) throw new Error('The client has made no such socket.');
    return found;
  };
  /** Opens the newest socket and answers its `connect`. */
  const open = async (lane = 'lane-1', more: Partial<FrameOf<'session_start'>> = {}): Promise<FakeSocket> => {
    await clock.advance(0);
    const newest = socket();
    newest.accept();
    newest.deliver({ ...story.sessionStart(lane), ...more });
    const after = newest.sentOf('connect')[0]?.resume?.after_seq;
    if (after !== undefined) newest.deliver(...story.events.slice(after));
    newest.deliver({ type: 'connected', message: '' });
    await clock.advance(0);
    return newest;
  };
  /** The events of a turn that has applied one message, up to the given text. */
  const begin = (id: string, ...texts: string[]): EventFrame[] => {
    const before = story.events.length;
    story.begin([id]);
    story.takeIn([{ id, content: 'hello' }], 1);
    for (const text of texts) story.say(text);
    return story.events.slice(before);
  };
  return { chat, clock, sockets, socket, open, begin, story, errors, wake, listeners, platform, WebSocket };
}

export const accepted = (id: string): FrameOf<'accepted'> => ({
  type: 'accepted',
  id,
  turn_id: 'turn-1',
  placement: 'turn',
  position: 0,
});
export const limited = (retry_after_ms: number, id: string): ServerFrame => ({
  type: 'error',
  code: 'RATE_LIMITED',
  message: '',
  terminal: false,
  retryable: true,
  retry_after_ms,
  id,
});
export const expired = (id: string): ServerFrame => ({
  type: 'error',
  code: 'TOKEN_EXPIRED',
  message: '',
  terminal: false,
  retryable: true,
  id,
});
/** Id and order of each message that was sent over a socket. */
export const orders = (socket: FakeSocket) => socket.sentOf('message').map(({ id, order }) => [id, order]);
