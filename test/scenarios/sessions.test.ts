import { describe, expect, it } from 'vitest';
import { MAX_FRAME_BYTES } from '../../lambdas/protocol/limits.ts';
import type { SessionSummary } from '../../lambdas/protocol/server-frames.ts';
import { end, framesOf, refused } from '../support/frames.ts';
import { givenStack } from '../support/stack.ts';
import type { WsClient } from '../support/ws-client.ts';

/** Each test is somebody else's, since a list shows all that one has. */
const PEOPLE = ['ann', 'bob', 'cleo', 'dan', 'eve', 'fay', 'gil', 'hal'] as const;
type Person = (typeof PEOPLE)[number];
const as = (subject: Person) => ({
  principal: { tenant: 'acme', subject },
  query: { token: `token-of-${subject}` },
});

const stack = givenStack({
  settings: {
    MIDTURN_AUTH: 'tokens',
    MIDTURN_TOKENS: PEOPLE.map((subject) => `token-of-${subject}=acme/${subject}`).join(','),
  },
});

/** One turn in a session of its own. */
async function given(person: Person, session: string, content = 'hello'): Promise<WsClient> {
  stack.script(() => ({ chunks: ['Hi.'] }));
  const client = await stack.connect(session, as(person));
  client.send({ type: 'message', id: `of-${session}`, content });
  await end(client);
  await stack.stored.transcript(session, as(person).principal);
  return client;
}

async function list(client: WsClient, limit?: number): Promise<SessionSummary[][]> {
  const pages: SessionSummary[][] = [];
  for (let after: string | undefined; ; ) {
    client.send({ type: 'sessions', ...(limit && { limit }), ...(after !== undefined && { after }) });
    const { sessions, next } = await client.next('sessions');
    pages.push(sessions);
    if (next === undefined) return pages;
    after = next;
  }
}

const ids = (page: readonly SessionSummary[] = []) => page.map(({ session_id }) => session_id);

async function exported(client: WsClient, session: string): Promise<{ lines: unknown[]; pages: number }> {
  let text = '';
  for (let pages = 1, after: string | undefined; ; pages++) {
    client.send({ type: 'export', session_id: session, ...(after !== undefined && { after }) });
    const { data, next } = await client.next('export');
    text += data;
    if (next === undefined) {
      expect(text.endsWith('\n')).toBe(true);
      return {
        lines: text
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line) as unknown),
        pages,
      };
    }
    after = next;
  }
}

describe('the list', () => {
  it('has the sessions in which something was said, those made last first, over pages', async () => {
    for (const session of ['one', 'two', 'three']) await given('ann', session);
    const client = await stack.connect('only-opened', as('ann'));
    expect((await list(client)).map(ids)).toEqual([['three', 'two', 'one']]);
    expect((await list(client, 2)).map(ids)).toEqual([['three', 'two'], ['one']]);
    expect((await list(client, 1)).map(ids)).toEqual([['three'], ['two'], ['one']]);
  });

  it('says of each what it is called, how long it is, when it was made and when its last turn began', async () => {
    const first = await given('bob', 'chat');
    const [[before] = []] = await list(first);
    first.send({ type: 'message', content: 'more' });
    await end(first, 2);
    await stack.stored.transcript('chat', as('bob').principal);
    const [[after] = []] = await list(first);
    expect(before).toMatchObject({ session_id: 'chat', message_count: 2 });
    expect(after).toMatchObject({ message_count: 4, created_at: before?.created_at });
    expect(after?.active_at).toBeGreaterThan(before?.active_at ?? Number.POSITIVE_INFINITY);
  });

  it('shows nobody what is another’s, and nobody can rename or export it (P12)', async () => {
    const owner = await given('cleo', 'secret');
    const other = await stack.connect('mine', as('dan'));
    expect(await list(other)).toEqual([[]]);
    other.send({ type: 'rename', session_id: 'secret', name: 'taken' });
    expect(await other.next('error')).toMatchObject({ code: 'SESSION_NOT_FOUND', session_id: 'secret' });
    other.send({ type: 'export', session_id: 'secret' });
    expect(await other.next('error')).toMatchObject({ code: 'SESSION_NOT_FOUND', session_id: 'secret' });
    const [[session] = []] = await list(owner);
    expect(session).not.toHaveProperty('name');
  });
});

describe('a name', () => {
  it('is told to all who listen, and outlives a client that connects with another one', async () => {
    const first = await given('eve', 'chat');
    const second = await stack.connect('chat', { ...as('eve'), query: { ...as('eve').query, name: 'Old' } });
    second.send({ type: 'connect' });
    expect(await second.waitFor('session_start')).toMatchObject({ name: 'Old' });
    first.send({ type: 'rename', session_id: 'chat', name: 'Soup' });
    expect(await first.next('renamed')).toEqual({ type: 'renamed', session_id: 'chat', name: 'Soup' });
    expect(await second.waitFor('renamed')).toMatchObject({ name: 'Soup' });
    const third = await stack.connect('chat', { ...as('eve'), query: { ...as('eve').query, name: 'Old' } });
    third.send({ type: 'connect' });
    expect(await third.waitFor('session_start')).toMatchObject({ name: 'Soup' });
    expect((await list(third)).flat()).toMatchObject([{ name: 'Soup' }]);
  });

  it('is refused where it is blank or too long', async () => {
    const client = await stack.connect('chat', as('eve'));
    for (const name of ['', 'x'.repeat(201)]) client.send({ type: 'rename', session_id: 'chat', name });
    await refused(client, 'INVALID_FRAME');
  });
});

describe('an export', () => {
  it('is the transcript as JSON lines, and the same in pages', async () => {
    stack.script([
      { chunks: ['Looking.'], toolCalls: [{ name: 'current_time', args: {} }] },
      { chunks: ['Now.'] },
    ]);
    const client = await stack.connect('chat', as('fay'));
    client.send({ type: 'message', id: 'm1', content: 'the “time”?\n' });
    await end(client);
    await stack.stored.transcript('chat', as('fay').principal);
    client.send({ type: 'history' });
    const { entries } = await client.next('history');
    const { lines } = await exported(client, 'chat');
    expect(lines).toEqual([
      expect.objectContaining({ type: 'session', session_id: 'chat', created_at: expect.any(Number) }),
      ...entries.map((entry) => ({ type: 'entry', ...entry })),
    ]);
  });

  it('goes on over as many frames as it takes, also within a line', async () => {
    // As JSON within JSON each of these takes twice its room, or three times.
    const content = '"\\😀'.repeat(2000);
    const client = await given('gil', 'long', content);
    for (let turn = 2; turn <= 4; turn++) {
      client.send({ type: 'message', content: `${turn}${'y'.repeat(20_000)}` });
      await end(client, turn);
    }
    await stack.stored.transcript('long', as('gil').principal);
    const { lines, pages } = await exported(client, 'long');
    expect(pages).toBeGreaterThan(3);
    expect(lines).toHaveLength(9);
    expect(lines[1]).toMatchObject({ role: 'user', content });
    for (const frame of framesOf(client, 'export')) {
      expect(Buffer.byteLength(JSON.stringify(frame))).toBeLessThanOrEqual(MAX_FRAME_BYTES);
    }
  });
});
