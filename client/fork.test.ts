import { expect, it } from 'vitest';
import { forkSession } from './fork.ts';
import type { FrameOf } from './protocol.ts';
import { givenChat, SECOND } from './testing/given-chat.ts';
import { last } from './testing/last.ts';

const forked = (session_id: string): FrameOf<'forked'> => ({
  type: 'forked',
  session_id,
  forked_from: { session_id: 's', before: 4 },
  message_count: 3,
});

it('a fork is asked for until it is answered, with the same id, also over a lost connection', async () => {
  const { chat, open, clock } = givenChat();
  const first = await open();
  const fork = forkSession(chat, { before: 'm2', name: 'By train' });
  const [frame] = first.sentOf('fork');
  expect(frame).toMatchObject({ from: 's', before: 'm2', name: 'By train' });
  const id = frame?.session_id ?? '';
  await clock.advance(6 * SECOND);
  expect(first.sentOf('fork')).toEqual([frame, frame]);
  first.cut();
  await clock.advance(SECOND);
  const second = await open();
  expect(second.sentOf('fork')).toEqual([frame]);
  // That of another fork, and a session that is deleted, answer nothing.
  second.deliver(forked('other'), { type: 'deleted', session_id: id }, forked(id));
  expect(await fork).toBe(id);
  await clock.advance(60 * SECOND);
  expect(second.sentOf('fork')).toHaveLength(1);
});

it('without a message, the fork has all turns; an id that is none is refused before it is sent', async () => {
  const { chat, open } = givenChat();
  const socket = await open();
  const fork = forkSession(chat, { sessionId: 'trip-2' });
  expect(socket.sentOf('fork')).toEqual([{ type: 'fork', session_id: 'trip-2', from: 's' }]);
  socket.deliver(forked('trip-2'));
  expect(await fork).toBe('trip-2');
  await expect(forkSession(chat, { sessionId: 'two words' })).rejects.toThrow(TypeError);
  expect(socket.sentOf('fork')).toHaveLength(1);
});

it('a refusal is an error of its own fork, and a refusal for the rate is not: it waits as long as the server says', async () => {
  const { chat, open, clock, errors } = givenChat();
  const socket = await open();
  const refused = forkSession(chat, { before: 'gone', sessionId: 'a' });
  const slow = forkSession(chat, { before: 4, sessionId: 'b' });
  socket.deliver({
    type: 'error',
    code: 'ENTRY_NOT_FOUND',
    message: '',
    terminal: false,
    retryable: false,
    session_id: 'a',
  });
  await expect(refused).rejects.toMatchObject({ name: 'ServerReplyError', code: 'ENTRY_NOT_FOUND' });
  socket.deliver({
    type: 'error',
    code: 'RATE_LIMITED',
    message: '',
    terminal: false,
    retryable: true,
    retry_after_ms: 2 * SECOND,
    session_id: 'b',
  });
  await clock.advance(SECOND);
  expect(socket.sentOf('fork')).toHaveLength(2);
  await clock.advance(SECOND);
  expect(last(socket.sentOf('fork'))).toMatchObject({ session_id: 'b', before: 4 });
  expect(socket.sentOf('fork')).toHaveLength(3);
  socket.deliver(forked('b'));
  expect(await slow).toBe('b');
  expect(errors).toEqual([]);
});

it('a fork of a chat that is closed is over', async () => {
  const { chat, open } = givenChat();
  await open();
  const fork = forkSession(chat);
  chat.close();
  await expect(fork).rejects.toMatchObject({ code: 'CLOSED' });
});
