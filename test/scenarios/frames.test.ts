import { describe, expect, it } from 'vitest';
import { MAX_CONTENT_BYTES } from '../../protocol/limits.ts';
import { accepted, chunk, end, eventsOf, framesOf, refused } from '../support/frames.ts';
import { createGate } from '../support/model-server.ts';
import { givenStack } from '../support/stack.ts';
import type { FrameOf, WsClient } from '../support/ws-client.ts';

const stack = givenStack();

/** A client whose turn is held in mid-answer, after "draft". */
async function inMidTurn() {
  const gate = createGate();
  const model = stack.script([{ chunks: ['draft', gate, ' and more'] }, { chunks: ['next'] }]);
  const session = stack.newSession();
  const client = await stack.connect(session);
  client.send({ type: 'message', id: 'm1', content: 'first' });
  await chunk(client, 'draft');
  return { client, session, model, finish: gate.open.bind(gate) };
}

/** The turn went on as if nothing had happened, and the connection takes the next message. */
async function expectUnharmed({ client, finish }: Awaited<ReturnType<typeof inMidTurn>>) {
  finish();
  expect(await end(client)).toMatchObject({ type: 'done', full_response: 'draft and more', steps: 1 });
  client.send({ type: 'message', id: 'after', content: 'go on' });
  expect(await end(client, 2)).toMatchObject({ type: 'done', full_response: 'next' });
}

const nextError = (client: WsClient): Promise<FrameOf<'error'>> => client.next('error');

describe('a frame in error is answered by its code and leaves connection and turn unharmed', () => {
  it('INVALID_JSON: whatever is not a JSON object', async () => {
    const turn = await inMidTurn();
    for (const text of ['{"type":"message"', 'hello', '"hello"', '[{"type":"ping"}]', 'null', '7']) {
      turn.client.sendRaw(text);
      expect(await nextError(turn.client), text).toMatchObject({
        code: 'INVALID_JSON',
        terminal: false,
        retryable: false,
      });
    }
    await expectUnharmed(turn);
  });

  it('UNKNOWN_MESSAGE_TYPE: whatever is no frame of a client', async () => {
    const turn = await inMidTurn();
    // Nobody knows it; none; no string; the name of a method; a type of the server.
    for (const type of ['dance', undefined, 7, 'toString', 'done', '$connect', '$disconnect']) {
      turn.client.sendRaw(JSON.stringify({ type, id: 'x1' }));
      expect(await nextError(turn.client), String(type)).toMatchObject({
        code: 'UNKNOWN_MESSAGE_TYPE',
        terminal: false,
        id: 'x1',
      });
    }
    await expectUnharmed(turn);
  });

  it('INVALID_FRAME: names the field', async () => {
    const turn = await inMidTurn();
    const { client } = turn;
    const cases: [field: string, frame: object][] = [
      ['content', { type: 'message', id: 'x1', content: 7 }],
      ['content', { type: 'message', id: 'x1' }],
      ['content', { type: 'message', id: 'x1', content: null }],
      ['content', { type: 'message', id: 'x1', content: [] }],
      ['content', { type: 'message', id: 'x1', content: Array(21).fill({ type: 'text', text: 'hello' }) }],
      ['content.0', { type: 'message', id: 'x1', content: ['hello'] }],
      ['content.0.type', { type: 'message', id: 'x1', content: [{ type: 'video', url: 'hello' }] }],
      [
        'content.1.text',
        { type: 'message', id: 'x1', content: [{ type: 'text', text: 'hello' }, { type: 'text' }] },
      ],
      [
        'content.0.media_type',
        {
          type: 'message',
          id: 'x1',
          content: [{ type: 'image', media_type: 'image/svg+xml', data: 'AAAA' }],
        },
      ],
      [
        'content.0.data',
        {
          type: 'message',
          id: 'x1',
          content: [{ type: 'image', media_type: 'image/png', data: 'not base64' }],
        },
      ],
      ...[
        'http://images.test/a.png',
        'https://user:hello@images.test/a.png',
        'https://169.254.169.254/latest',
        'https://[::1]/a.png',
        'https://localhost/a.png',
        'file:///etc/passwd',
        'data:image/png;base64,AAAA',
        'https://images.test/hello there.png',
        `https://images.test/${'x'.repeat(2048)}`,
      ].map((url): [string, object] => [
        'content.0.url',
        { type: 'message', id: 'x1', content: [{ type: 'image', url }] },
      ]),
      ['id', { type: 'message', content: 'hello', id: 7 }],
      ['id', { type: 'message', content: 'hello', id: 'with space' }],
      ['id', { type: 'message', content: 'hello', id: '' }],
      ['id', { type: 'message', content: 'hello', id: 'x'.repeat(65) }],
      ['id', { type: 'message', content: 'hello', id: '__proto__' }],
      ['delivery', { type: 'message', id: 'x1', content: 'hello', delivery: 'later' }],
      ['order', { type: 'message', id: 'x1', content: 'hello', order: -1 }],
      ['pending', { type: 'abort', pending: 'maybe' }],
      ['turn_id', { type: 'abort', turn_id: {} }],
      ['id', { type: 'cancel' }],
      ['limit', { type: 'history', limit: 0 }],
      ['limit', { type: 'history', limit: 201 }],
      ['before', { type: 'history', before: 'yesterday' }],
      ['merged', { type: 'history', merged: 'yes' }],
      ['nonce', { type: 'ping', nonce: {} }],
      ['decision', { type: 'approval_response', request_id: 'r1', decision: 'perhaps' }],
      ['request_id', { type: 'approval_response', decision: 'deny' }],
      ['after_seq', { type: 'connect', resume: { after_seq: -1 } }],
      ['session_id', { type: 'connect', session_id: '' }],
    ];
    for (const [field, frame] of cases) {
      client.sendRaw(JSON.stringify(frame));
      const error = await nextError(client);
      expect(error, JSON.stringify(frame)).toMatchObject({ code: 'INVALID_FRAME', terminal: false });
      expect(error.message, JSON.stringify(frame)).toMatch(new RegExp(`"?\\b${field}\\b`));
    }
    await expectUnharmed(turn);
    expect(await stack.stored.everything()).not.toContain('hello');
  });

  it('P2: EMPTY_CONTENT: blank after trimming', async () => {
    const turn = await inMidTurn();
    for (const content of [
      '',
      ' ',
      '\n\t  \r\n',
      '\u00a0\u2003',
      [{ type: 'text', text: ' ' } as const, { type: 'text', text: '' } as const],
    ]) {
      turn.client.send({ type: 'message', id: 'blank', content });
      expect(await nextError(turn.client), JSON.stringify(content)).toMatchObject({
        code: 'EMPTY_CONTENT',
        terminal: false,
        id: 'blank',
      });
    }
    await expectUnharmed(turn);
    expect(await stack.stored.everything()).not.toContain('"blank"');
  });

  it('INVALID_APPROVAL_RESPONSE: nothing was asked under this id', async () => {
    const turn = await inMidTurn();
    turn.client.send({ type: 'approval_response', request_id: 'r1', decision: 'approve' });
    expect(await nextError(turn.client)).toMatchObject({
      code: 'INVALID_APPROVAL_RESPONSE',
      terminal: false,
      id: 'r1',
    });
    await expectUnharmed(turn);
  });

  it('fields that nobody knows are ignored', async () => {
    stack.script([{ chunks: ['ok'] }]);
    const client = await stack.connect(stack.newSession());
    client.sendRaw(JSON.stringify({ type: 'message', id: 'm1', content: 'hello', mood: { deep: [1] } }));
    expect(await end(client)).toMatchObject({ type: 'done', full_response: 'ok' });
  });
});

describe('content beyond the limit', () => {
  const big = 'big-and-refused '.repeat(6400);

  it('100 KB in fragments: MESSAGE_TOO_LARGE with limit and depth, and nothing is stored (P2)', async () => {
    const turn = await inMidTurn();
    const frame = JSON.stringify({ type: 'message', id: 'x1', content: big });
    turn.client.sendFragmented(frame, 32 * 1024);
    expect(await nextError(turn.client)).toMatchObject({
      code: 'MESSAGE_TOO_LARGE',
      terminal: false,
      id: 'x1',
      limit: MAX_CONTENT_BYTES,
      depth: big.length + 2,
    });
    await expectUnharmed(turn);
    expect(await stack.stored.everything()).not.toContain('big-and-refused');
    expect(JSON.stringify(turn.model.requests.map(({ body }) => body))).not.toContain('big-and-refused');
  });

  it('is counted as JSON: the last that fits is taken whole, one byte more is not', async () => {
    const model = stack.script([{ chunks: ['ok'] }]);
    const client = await stack.connect(stack.newSession());
    // Each quote is two bytes in JSON, and the string has its own two.
    const fits = `${'"'.repeat(MAX_CONTENT_BYTES / 2 - 1)}`;
    client.send({ type: 'message', id: 'x1', content: `${fits}.` });
    expect(await nextError(client)).toMatchObject({
      code: 'MESSAGE_TOO_LARGE',
      depth: MAX_CONTENT_BYTES + 1,
    });
    client.send({ type: 'message', id: 'm1', content: fits });
    await end(client);
    expect(model.prompt(1)).toEqual([`user: ${fits}`]);
  });

  it('P14: 100 KB in one frame closes with 1009, as API Gateway does, and the turn is unharmed', async () => {
    const { client, session, finish } = await inMidTurn();
    const lastSeq = eventsOf(client).at(-1)?.seq ?? 0;
    const { lane } = await client.waitFor('session_start');
    client.send({ type: 'message', id: 'x1', content: big });
    expect(await client.closed).toMatchObject({ code: 1009 });

    const again = await stack.connect(session);
    again.send({ type: 'connect', resume: { lane, after_seq: lastSeq } });
    await again.next('connected');
    finish();
    expect(await end(again)).toMatchObject({ type: 'done', full_response: 'draft and more' });
    expect(await stack.stored.lines(session)).toEqual(['user: first', 'assistant: draft and more']);
  });
});

it('P14: a binary frame closes with 1003, as API Gateway does, and the turn is unharmed', async () => {
  const { client, session, finish } = await inMidTurn();
  client.sendBinary(Buffer.from(JSON.stringify({ type: 'ping' })));
  expect(await client.closed).toMatchObject({ code: 1003 });

  const again = await stack.connect(session);
  again.send({ type: 'connect', resume: { after_seq: 0 } });
  await again.next('connected');
  finish();
  expect(await end(again)).toMatchObject({ type: 'done', full_response: 'draft and more' });
});

it('a ping is answered with its nonce, also in mid-turn', async () => {
  const turn = await inMidTurn();
  for (const nonce of ['n1', 2]) {
    turn.client.send({ type: 'ping', nonce });
    expect(await turn.client.next('pong')).toEqual({ type: 'pong', nonce });
  }
  turn.client.send({ type: 'ping' });
  expect(await turn.client.next('pong')).toEqual({ type: 'pong' });
  await expectUnharmed(turn);
  expect(framesOf(turn.client, 'error')).toEqual([]);
});

it('P7: the next message is steering, not lost, when it comes right after a frame in error', async () => {
  const { client, model, finish } = await inMidTurn();
  client.sendRaw('{');
  client.send({ type: 'message', id: 'm2', content: 'second' });
  await refused(client, 'INVALID_JSON');
  expect(await accepted(client, 'm2')).toMatchObject({ placement: 'steering' });
  finish();
  expect(await end(client)).toMatchObject({ full_response: 'draft and morenext', steps: 2 });
  expect(model.prompt(2).at(-1)).toBe('user: second');
});
