import { describe, expect, it } from 'vitest';
import { LAMBDA_RAMP } from '../../local/event-source.ts';
import { accepted, chunk, end, endsOf, framesOf } from '../support/frames.ts';
import { createGate } from '../support/model-server.ts';
import { givenStack } from '../support/stack.ts';

const words = Array.from({ length: 30 }, (_, n) => `word${n} `);

describe('writes and posts', () => {
  /** A table and a gateway that are as slow and as strict as AWS's, each by itself. */
  const stack = givenStack({ settings: { MIDTURN_FLUSH_MS: '20' } });

  it('P1 P3 P9: a turn whose writes are throttled is streamed whole, and takes in what was sent meanwhile', async () => {
    const gate = createGate();
    const model = stack.script([{ chunks: ['draft', gate] }, { chunks: words, chunkDelayMs: 30 }]);
    const session = stack.newSession();
    const client = await stack.connect(session);
    client.send({ type: 'message', content: 'first' });
    await chunk(client, 'draft');
    const throttle = stack.cloud.dynamodb.limitWrites(5);
    try {
      client.send({ type: 'message', id: 'm2', content: 'and this' });
      await accepted(client, 'm2');
      gate.open();
      expect(await end(client)).toMatchObject({ type: 'done', full_response: `draft${words.join('')}` });
    } finally {
      stack.cloud.dynamodb.limitWrites(Number.POSITIVE_INFINITY);
    }
    expect(throttle.refused).toBeGreaterThan(0);
    expect(model.prompt(2)).toContain('user: and this');
    expect(await stack.stored.lines(session)).toEqual([
      'user: first',
      'assistant: draft',
      'user: and this',
      `assistant: ${words.join('')}`,
    ]);
  });

  it('P1: five steering messages of 24 KB wait while an answer is streamed, and no commit is throttled for them', async () => {
    const [draft, rest] = [createGate(), createGate()];
    const model = stack.script([
      { chunks: ['draft', draft, ...words, rest], chunkDelayMs: 5 },
      { chunks: ['.'] },
    ]);
    const client = await stack.connect(stack.newSession());
    client.send({ type: 'message', content: 'first' });
    await chunk(client, 'draft');
    const large = Array.from({ length: 5 }, (_, n) => ({ id: `large${n}`, content: `${n}`.repeat(24_000) }));
    for (const message of large) {
      client.send({ type: 'message', ...message });
      await accepted(client, message.id);
    }
    // A third of what a partition takes. A commit that rewrote the messages would cost 121 units.
    const throttle = stack.cloud.dynamodb.limitWrites(300);
    try {
      draft.open();
      await rest.reached;
      expect(throttle.refused).toBe(0);
      rest.open();
      expect(await end(client)).toMatchObject({ type: 'done' });
    } finally {
      stack.cloud.dynamodb.limitWrites(Number.POSITIVE_INFINITY);
    }
    expect(model.prompt(2).slice(2)).toEqual(large.map(({ content }) => `user: ${content}`));
  });

  it('P9: posts that take 8 ms each, as on AWS, arrive in order, for several connections', async () => {
    stack.script([{ chunks: words, chunkDelayMs: 5 }]);
    const session = stack.newSession();
    stack.cloud.gateway.slowPosts(8);
    try {
      const clients = await Promise.all([stack.connect(session), stack.connect(session)]);
      for (const client of clients) client.send({ type: 'connect' });
      await Promise.all(clients.map((client) => client.next('session_start')));
      clients[0]?.send({ type: 'message', content: 'begin' });
      for (const client of clients) {
        expect(await end(client)).toMatchObject({ type: 'done', full_response: words.join('') });
        expect(endsOf(client)).toHaveLength(1);
      }
    } finally {
      stack.cloud.gateway.slowPosts(0);
    }
  });
});

describe('a poller that begins with five batches', () => {
  const stack = givenStack({ pollerRamp: LAMBDA_RAMP });

  it('P1 P5: eight sessions that begin at once are all answered', async () => {
    const gate = createGate();
    stack.script(() => ({ chunks: ['draft', gate, ' final'] }));
    const clients = await Promise.all(Array.from({ length: 8 }, () => stack.connect(stack.newSession())));
    for (const client of clients) client.send({ type: 'message', content: 'begin' });
    // Five turns are held: the others begin beside them as the poller grows, or after them.
    await Promise.race(clients.map((client) => chunk(client, 'draft')));
    gate.open();
    for (const client of clients) {
      expect(await end(client)).toMatchObject({ type: 'done', full_response: 'draft final' });
    }
  });
});

describe('the largest inbox, of 128 messages', () => {
  const stack = givenStack({ settings: { MIDTURN_INBOX_LIMIT: '128' } });
  const messages = Array.from({ length: 128 }, (_, n) => ({
    id: `m${n}`,
    content: `text ${n}`,
    order: n + 1,
  }));

  /** A turn that is held in mid-answer, and the messages in its inbox. */
  async function fullInbox() {
    const gate = createGate();
    const model = stack.script([{ chunks: ['draft', gate] }, { chunks: [' final'] }]);
    const session = stack.newSession();
    const client = await stack.connect(session);
    client.send({ type: 'message', content: 'first', order: 0 });
    await chunk(client, 'draft');
    for (const message of messages) client.send({ type: 'message', ...message });
    await client.waitFor(() => framesOf(client, 'accepted').length === messages.length + 1);
    return { gate, model, session, client };
  }

  it('P1 P6: is taken in by writes that DynamoDB accepts', async () => {
    const { gate, model, client } = await fullInbox();
    gate.open();
    expect(await end(client)).toMatchObject({ type: 'done', full_response: 'draft final' });
    expect(model.prompt(2).slice(2)).toEqual(messages.map(({ content }) => `user: ${content}`));
  });

  it('P1 P2: is discarded by an abort, and its session goes on', async () => {
    const { client, session } = await fullInbox();
    client.send({ type: 'abort', pending: 'discard' });
    expect(await end(client)).toMatchObject({ type: 'aborted' });
    const count = (wanted: string) => client.frames.filter(({ type }) => type === wanted).length;
    // The first one opened the turn. A lane with 128 outcomes that nobody has received takes no further message.
    await expect.poll(() => count('cancelled')).toBe(count('accepted') - 1);
    stack.script([{ chunks: ['next'] }]);
    client.send({ type: 'message', content: 'again' });
    expect(await end(client, 2)).toMatchObject({ type: 'done', full_response: 'next' });
    expect(await stack.stored.lines(session)).toEqual([
      'user: first',
      'assistant: draft',
      'user: again',
      'assistant: next',
    ]);
  });
});
