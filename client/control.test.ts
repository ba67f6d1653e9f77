import { describe, expect, it } from 'vitest';
import { CLIENT_FRAMES } from '../protocol/client-frames.ts';
import { createMidturn } from './midturn.ts';
import { accepted, givenChat, MINUTE, orders, SECOND } from './testing/given-chat.ts';
import { last } from './testing/last.ts';

describe('control', () => {
  it('cancel: unsent at once, unacknowledged once it is, accepted by asking', async () => {
    const { chat, open } = givenChat();
    const unsent = chat.send('never');
    chat.cancel(unsent.id);
    expect(unsent.state.status).toBe('cancelled');
    const socket = await open();
    const { id } = chat.send('soon');
    chat.cancel(id);
    expect(socket.sentOf('cancel')).toEqual([]);
    socket.deliver(accepted(id));
    expect(socket.sentOf('cancel')).toEqual([{ type: 'cancel', id }]);
    socket.deliver({ type: 'cancelled', ids: [id], reason: 'withdrawn' });
    expect(chat.transcript.getSnapshot().pending).toEqual([]);
    expect(orders(socket)).toEqual([['m2', 1]]);
  });

  it('a withdrawal or an abort that nobody answers is asked for again, until somebody does', async () => {
    const { chat, clock, open, begin, story } = givenChat();
    const socket = await open();
    socket.deliver(...begin('u1', 'so far'));
    const { id } = chat.send('soon');
    socket.deliver(accepted(id));
    chat.cancel(id);
    chat.abort();
    const asked = () => [socket.sentOf('cancel').length, socket.sentOf('abort').length];
    const pass = async (milliseconds: number) => {
      await clock.advance(milliseconds);
      socket.deliver({ type: 'pong' });
    };
    await pass(6 * SECOND);
    expect(asked()).toEqual([2, 2]);
    await pass(10 * SECOND);
    expect(asked()).toEqual([3, 3]);
    story.end('aborted');
    socket.deliver(...story.events.slice(-1), { type: 'cancelled', ids: [id], reason: 'withdrawn' });
    await clock.advance(MINUTE);
    expect(asked()).toEqual([3, 3]);
    expect(chat.transcript.getSnapshot().pending).toEqual([]);
  });

  it('an approval is answered again after a reconnect, until its turn says what became of it', async () => {
    const { chat, clock, open, begin, story } = givenChat();
    const first = await open();
    first.deliver(...begin('u1', 'so far'));
    story.ask('r1');
    first.deliver(...story.events.slice(-1));
    chat.approve('r1', 'always');
    const answer = { type: 'approval_response', request_id: 'r1', decision: 'always' };
    expect(first.sentOf('approval_response')).toEqual([answer]);
    const item = () => last(chat.transcript.getSnapshot().items);
    expect(item()).toMatchObject({ kind: 'approval', decision: 'always', resolved: undefined });
    first.cut();
    await clock.advance(5 * SECOND);
    const second = await open();
    expect(second.sentOf('approval_response')).toEqual([answer]);
    story.resolve('r1', 'deny', 'bob');
    second.deliver(...story.events.slice(-1));
    expect(item()).toMatchObject({ decision: 'deny', resolved: { reason: 'answer', by: 'bob' } });
    await clock.advance(MINUTE);
    expect(second.sentOf('approval_response')).toHaveLength(1);
  });

  it('P10: the refusal of an output that was repeated is no refusal of the output: the result of its call tells', async () => {
    const { chat, clock, open, begin, story } = givenChat();
    const server = await open();
    server.deliver(...begin('u1', 'so far'));
    story.call('c1');
    story.askClient('r1', 'c1', 'lane-1');
    server.deliver(...story.events.slice(-2));
    const answer = { output: 'Lisbon' };
    chat.addToolOutput({ toolCallId: 'c1', ...answer });
    await clock.advance(5 * SECOND);
    expect(server.sentOf('tool_output')).toHaveLength(2);
    const refusal = { code: 'INVALID_TOOL_OUTPUT', message: 'Its call has a result.' } as const;
    server.deliver({ type: 'error', ...refusal, terminal: false, retryable: false, id: 'r1' });
    const item = () => last(chat.transcript.getSnapshot().items);
    expect(item()).toMatchObject({ request: { answer, refused: undefined } });
    story.result('c1');
    server.deliver(...story.events.slice(-1));
    expect(item()).toMatchObject({ request: undefined, result: { isError: false } });
  });

  it('an output is given again after a reconnect, until its call has a result; a refusal is told, and another one can be given', async () => {
    const { chat, clock, open, begin, story } = givenChat();
    const first = await open();
    first.deliver(...begin('u1', 'so far'));
    story.call('c1');
    story.askClient('r1', 'c1', 'lane-1');
    first.deliver(...story.events.slice(-2));
    const item = () => last(chat.transcript.getSnapshot().items);
    expect(item()).toMatchObject({ kind: 'tool', request: { requestId: 'r1', timeoutSeconds: 120 } });
    chat.addToolOutput({ toolCallId: 'c1', output: 'too long' });
    expect(first.sentOf('tool_output')).toEqual([
      { type: 'tool_output', request_id: 'r1', output: 'too long' },
    ]);
    const refusal = { code: 'MESSAGE_TOO_LARGE', message: 'Too long.' } as const;
    first.deliver({ type: 'error', ...refusal, terminal: false, retryable: false, id: 'r1' });
    expect(item()).toMatchObject({ request: { refused: refusal, answer: undefined } });
    chat.addToolOutput({ toolCallId: 'c1', errorText: 'no signal' });
    expect(item()).toMatchObject({ request: { refused: undefined } });
    const answer = { type: 'tool_output', request_id: 'r1', error: 'no signal' };
    expect(last(first.sentOf('tool_output'))).toEqual(answer);
    first.cut();
    await clock.advance(5 * SECOND);
    const second = await open();
    expect(second.sentOf('tool_output')).toEqual([answer]);
    story.result('c1');
    second.deliver(...story.events.slice(-1));
    expect(item()).toMatchObject({ request: undefined, result: { isError: false } });
    await clock.advance(MINUTE);
    expect(second.sentOf('tool_output')).toHaveLength(1);
  });

  it('a call that another device is to run has no request here, and nothing is sent for it', async () => {
    const { chat, open, begin, story } = givenChat();
    const socket = await open();
    socket.deliver(...begin('u1', 'so far'));
    story.call('c1');
    story.askClient('r1', 'c1', 'lane-of-another');
    socket.deliver(...story.events.slice(-2));
    expect(last(chat.transcript.getSnapshot().items)).not.toHaveProperty('request');
    chat.addToolOutput({ toolCallId: 'c1', output: 1 });
    expect(socket.sentOf('tool_output')).toEqual([]);
  });

  it('a revocation is asked for again after a reconnect, until a list shows it; one of before says nothing', async () => {
    const { chat, clock, open, begin } = givenChat();
    const trusted = () => chat.transcript.getSnapshot().trusted;
    const first = await open();
    first.deliver(...begin('u1', 'so far'));
    first.deliver({ type: 'trusted', trusted: ['a', 'b'], revocations: 3 });
    expect(trusted()).toEqual(['a', 'b']);
    chat.revoke('a');
    const asked = { type: 'revoke', trust: 'a' };
    expect(first.sentOf('revoke')).toEqual([asked]);
    first.cut();
    await clock.advance(5 * SECOND);
    const second = await open();
    expect(second.sentOf('revoke')).toEqual([asked]);
    second.deliver({ type: 'trusted', trusted: ['b'], revocations: 4 });
    // From another function, which had read the list before.
    second.deliver({ type: 'trusted', trusted: ['a', 'b'], revocations: 3 });
    expect(trusted()).toEqual(['b']);
    await clock.advance(10 * SECOND);
    expect(second.sentOf('revoke')).toHaveLength(1);
    chat.revoke();
    expect(last(second.sentOf('revoke'))).toEqual({ type: 'revoke' });
    second.deliver({ type: 'trusted', trusted: [], revocations: 5 });
    await clock.advance(10 * SECOND);
    expect(second.sentOf('revoke')).toHaveLength(2);
  });

  it('a question that is no longer asked is open again until its event comes', async () => {
    const { chat, open, begin, story } = givenChat();
    const socket = await open();
    socket.deliver(...begin('u1', 'so far'));
    story.ask('r1');
    socket.deliver(...story.events.slice(-1));
    chat.approve('r1', 'approve');
    socket.deliver({
      type: 'error',
      code: 'INVALID_APPROVAL_RESPONSE',
      message: '',
      terminal: false,
      retryable: false,
      id: 'r1',
    });
    expect(last(chat.transcript.getSnapshot().items)).toMatchObject({ decision: undefined });
    story.resolve('r1', 'deny', 'bob');
    socket.deliver(...story.events.slice(-1));
    expect(last(chat.transcript.getSnapshot().items)).toMatchObject({
      decision: 'deny',
      resolved: { reason: 'answer', by: 'bob' },
    });
  });

  it('P1: abort with discard names what waited, withdraws what is on its way, and no message of later', async () => {
    const { chat, clock, open, begin } = givenChat();
    const socket = await open();
    socket.deliver(...begin('u1', 'so far'));
    const known = chat.send('waits').id;
    socket.deliver(accepted(known));
    const underWay = chat.send('under way').id;
    chat.abort({ pending: 'discard' });
    const later = chat.send('later').id;
    expect(socket.sentOf('abort')).toMatchObject([{ pending: 'discard', pending_ids: [known, underWay] }]);
    expect(socket.sentOf('cancel')).toEqual([]);
    socket.deliver(accepted(underWay), accepted(later));
    await clock.advance(SECOND);
    expect(socket.sentOf('cancel')).toEqual([{ type: 'cancel', id: underWay }]);
  });

  it('abort names the turn, and is asked again after a reconnect', async () => {
    const { chat, clock, open, begin, story } = givenChat();
    const first = await open();
    first.deliver(...begin('u1', 'so far'));
    chat.abort({ pending: 'discard' });
    const abort = { type: 'abort', turn_id: 'turn-1', pending: 'discard', pending_ids: [] };
    expect(first.sentOf('abort')).toEqual([abort]);
    expect(chat.transcript.getSnapshot().activeTurn?.stopping).toBe(true);
    first.cut();
    await clock.advance(5 * SECOND);
    const second = await open();
    expect(second.sentOf('abort')).toEqual([abort]);
    story.end('aborted');
    second.deliver(...story.events.slice(-1));
    expect(chat.transcript.getSnapshot()).toMatchObject({ activeTurn: undefined });
    expect(last(chat.transcript.getSnapshot().items)).toMatchObject({ outcome: { result: 'aborted' } });
  });
});

describe('ids', () => {
  const REFUSED = ['', 'with space', 'x'.repeat(65), 'é', 'a\n', '__proto__', '😀'];
  const rule = /must have 1 to 64 visible ASCII characters, and must not be "__proto__": .* does not fit/;

  it.each(REFUSED)('that the server would refuse are refused at once, with the rule: %j', async (id) => {
    expect(() => createMidturn({ url: 'wss://a.test/s', sessionId: id })).toThrow(rule);
    const { chat } = givenChat();
    expect(() => chat.send('hello', { id })).toThrow(rule);
    expect(() => chat.send('hello', { id })).toThrow(TypeError);
    await expect(chat.sessions.rename(id, 'name')).rejects.toThrow(rule);
    await expect(chat.sessions.delete(id)).rejects.toThrow(rule);
    const read = async () => {
      for await (const _ of chat.sessions.export(id));
    };
    await expect(read()).rejects.toThrow(rule);
    expect(CLIENT_FRAMES.delete.safeParse({ type: 'delete', session_id: id }).success).toBe(false);
  });

  it.each(['constructor', 'toString', 'hasOwnProperty', '!', '~'.repeat(64)])(
    'that it takes are taken: %s',
    async (id) => {
      const { chat, open } = givenChat();
      const socket = await open();
      const message = chat.send('hello', { id });
      socket.deliver(accepted(id));
      expect(message.state).toMatchObject({ status: 'accepted' });
      chat.cancel(id);
      expect(socket.sentOf('cancel')).toEqual([{ type: 'cancel', id }]);
      socket.deliver({ type: 'cancelled', ids: [id], reason: 'withdrawn' });
      expect(await message.settled).toMatchObject({ status: 'cancelled' });
      expect(CLIENT_FRAMES.delete.safeParse({ type: 'delete', session_id: id }).success).toBe(true);
    },
  );
});
