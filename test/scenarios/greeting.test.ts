import { describe, expect, it } from 'vitest';
import { end, framesOf } from '../support/frames.ts';
import { givenStack } from '../support/stack.ts';
import { connect } from '../support/ws-client.ts';

const stack = givenStack();

describe('session_start', () => {
  it('comes exactly once and before anything else, however many frames are sent at once', async () => {
    stack.script(() => ({ chunks: ['ok'] }));
    for (let round = 0; round < 5; round++) {
      const client = await stack.connect(stack.newSession());
      for (let n = 0; n < 4; n++) client.send({ type: 'ping', nonce: n });
      client.send({ type: 'message', id: 'm1', content: 'first' });
      client.sendRaw('not json');
      client.send({ type: 'history' });
      client.send({ type: 'connect' });
      await end(client);
      await client.waitFor(() => framesOf(client, 'pong').length === 4);
      await client.waitFor('connected');
      await client.waitFor('history');
      await client.waitFor('error');
      expect(client.frames[0]?.type).toBe('session_start');
      expect(framesOf(client, 'session_start')).toHaveLength(1);
    }
  });

  it('answers the first frame, even one in error', async () => {
    const client = await stack.connect(stack.newSession());
    client.sendRaw('{');
    await client.waitFor('error');
    expect(client.frames.map(({ type }) => type)).toEqual(['session_start', 'error']);
  });

  it('tells session, lane, limits and whether there was a transcript', async () => {
    stack.script(() => ({ chunks: ['ok'] }));
    const session = stack.newSession();
    const client = await stack.connect(session, { query: { name: 'Groceries' } });
    client.send({ type: 'connect' });
    const first = await client.next('session_start');
    expect(first).toMatchObject({
      session_id: session,
      name: 'Groceries',
      resumed: false,
      message_count: 0,
      last_seq: 0,
      limits: { content_bytes: 24_576, inbox_messages: 64, inbox_bytes: 131_072, session_turns: 8 },
    });
    expect(first).not.toHaveProperty('active_turn');
    client.send({ type: 'message', content: 'first' });
    await end(client);
    await stack.stored.transcript(session);
    const again = await stack.connect(session);
    again.send({ type: 'connect' });
    const second = await again.next('session_start');
    expect(second).toMatchObject({ name: 'Groceries', resumed: true, message_count: 3, last_seq: 4 });
    expect(second.lane).not.toBe(first.lane);
  });

  it('names a session that was made up when none was asked for', async () => {
    const client = await connect(stack.cloud.url);
    client.send({ type: 'connect' });
    expect((await client.next('session_start')).session_id).toMatch(/^[\w-]{16,}$/);
    await client.close();
  });

  it('of the session that the connect frame asks for', async () => {
    const session = stack.newSession();
    const client = await connect(stack.cloud.url);
    client.send({ type: 'connect', session_id: session });
    expect(await client.next('session_start')).toMatchObject({ session_id: session });
    await client.close();
  });
});

describe('subprotocols', () => {
  it.each(['midturn.v1', 'zeroclaw.v1'])('%s is echoed', async (protocol) => {
    const client = await stack.connect(stack.newSession(), { protocols: ['other', protocol] });
    expect(client.protocol).toBe(protocol);
  });
});

describe('a client of the ZeroClaw gateway', () => {
  interface PlainFrame {
    type: string;
    content?: string;
    full_response?: string;
    message?: string;
  }

  it('that sends nothing but type and content, and reads chunk, done and error, is served', async () => {
    stack.script([{ chunks: ['Hello', ', you'] }, { status: 404 }, { chunks: ['Again.'] }]);
    const client = await stack.connect(stack.newSession(), { protocols: ['zeroclaw.v1'] });
    const ask = async (n: number) => {
      const from = client.frames.length;
      client.sendRaw('{"type":"message","content":"hi"}');
      await end(client, n);
      return client.frames.slice(from) as PlainFrame[];
    };
    const text = (frames: PlainFrame[]) =>
      frames.flatMap((frame) => (frame.type === 'chunk' ? frame.content : [])).join('');

    const answer = await ask(1);
    expect(text(answer)).toBe('Hello, you');
    expect(answer.find(({ type }) => type === 'done')?.full_response).toBe('Hello, you');
    const failed = await ask(2);
    expect(failed.find(({ type }) => type === 'error')?.message).toEqual(expect.any(String));
    expect(text(await ask(3))).toBe('Again.');
  });
});
