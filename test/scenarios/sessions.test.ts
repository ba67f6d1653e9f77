import { describe, expect, it } from 'vitest';
import { asSessionId } from '../../core/ids.ts';
import { sessionOf } from '../../core/store/keys.ts';
import { MAX_FRAME_BYTES } from '../../protocol/limits.ts';
import type { SessionSummary } from '../../protocol/server-frames.ts';
import { exported } from '../support/exported.ts';
import { accepted, chunk, end, endsOf, framesOf, refused } from '../support/frames.ts';
import { createGate } from '../support/model-server.ts';
import { givenPeople } from '../support/people.ts';
import type { WsClient } from '../support/ws-client.ts';

/** Each test is somebody else's, since a list shows all that one has. */
const PEOPLE = ['ann', 'bob', 'cleo', 'dan', 'eve', 'fay', 'gil', 'hal', 'ida', 'jon', 'kim', 'leo'] as const;
type Person = (typeof PEOPLE)[number];
const { stack, as, given } = givenPeople(PEOPLE);

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
    expect(before).toMatchObject({ session_id: 'chat', message_count: 3 });
    expect(after).toMatchObject({ message_count: 6, created_at: before?.created_at });
    expect(after?.active_at).toBeGreaterThan(before?.active_at ?? Number.POSITIVE_INFINITY);
  });

  it('shows nobody what is another’s, also not by a search, and nobody can rename or export it (P12)', async () => {
    const owner = await given('cleo', 'secret');
    const other = await stack.connect('mine', as('dan'));
    expect(await list(other)).toEqual([[]]);
    other.send({ type: 'rename', session_id: 'secret', name: 'taken' });
    expect(await other.next('error')).toMatchObject({ code: 'SESSION_NOT_FOUND', session_id: 'secret' });
    other.send({ type: 'export', session_id: 'secret' });
    expect(await other.next('error')).toMatchObject({ code: 'SESSION_NOT_FOUND', session_id: 'secret' });
    const [[session] = []] = await list(owner);
    expect(session).not.toHaveProperty('name');
    owner.send({ type: 'rename', session_id: 'secret', name: 'Ma vie privée' });
    await owner.next('renamed');
    for (const [client, found] of [
      [owner, ['secret']],
      [other, []],
    ] as const) {
      client.send({ type: 'sessions', query: 'PRIVEE' });
      expect(ids((await client.next('sessions')).sessions)).toEqual(found);
    }
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
    expect(lines).toHaveLength(13);
    expect(lines[1]).toMatchObject({ role: 'user', content });
    for (const frame of framesOf(client, 'export')) {
      expect(Buffer.byteLength(JSON.stringify(frame))).toBeLessThanOrEqual(MAX_FRAME_BYTES);
    }
  });
});

describe('a deletion', () => {
  /** Sort keys of all that is left of a session, and the places in its principal's list. */
  const left = async (person: Person, session: string) => {
    const { principal } = as(person);
    const items = JSON.parse(await stack.stored.everything()) as { pk: string; sk: string }[];
    return items
      .filter(
        ({ pk, sk }) =>
          pk.endsWith(`#${sessionOf(principal, asSessionId(session))}`) || sk.endsWith(`#${session}`),
      )
      .map(({ sk }) => sk);
  };

  /** What the deadline function removes is gone soon after the answer. */
  const becomesEmpty = (person: Person, session: string) =>
    expect.poll(() => left(person, session)).toEqual(['-']);

  it('takes everything along, and nothing comes back under its id', async () => {
    const client = await given('hal', 'gone');
    const kept = await given('hal', 'kept');
    expect((await left('hal', 'gone')).length).toBeGreaterThan(4);
    kept.send({ type: 'delete', session_id: 'gone' });
    expect(await kept.next('deleted')).toEqual({ type: 'deleted', session_id: 'gone' });
    await refused(client, 'SESSION_DELETED');
    await becomesEmpty('hal', 'gone');
    expect((await list(kept)).flat().map(({ session_id }) => session_id)).toEqual(['kept']);

    for (const frame of [
      { type: 'message', id: 'late', content: 'still there?' },
      { type: 'history' },
      { type: 'connect', resume: { after_seq: 0 } },
    ] as const) {
      client.send(frame);
      expect(await client.next('error')).toMatchObject({ code: 'SESSION_DELETED', terminal: false });
    }
    for (const type of ['rename', 'export'] as const) {
      kept.send({ type, session_id: 'gone', name: 'x' });
      expect(await kept.next('error')).toMatchObject({ code: 'SESSION_NOT_FOUND', session_id: 'gone' });
    }
    const again = await stack.connect('gone', as('hal'));
    again.send({ type: 'connect' });
    await refused(again, 'SESSION_DELETED');
    expect(framesOf(again, 'session_start')).toEqual([]);
    again.send({ type: 'delete', session_id: 'gone' });
    await again.next('deleted');
    await becomesEmpty('hal', 'gone');
  });

  it('ends the turn that runs, on every device, with all that was said (P3, P4)', async () => {
    const gate = createGate();
    stack.script([{ chunks: ['draft', gate, ' never said'] }]);
    const first = await stack.connect('busy', as('ida'));
    const second = await stack.connect('busy', as('ida'));
    second.send({ type: 'connect' });
    await second.next('connected');
    first.send({ type: 'message', id: 'm1', content: 'go' });
    await chunk(second, 'draft');
    second.send({ type: 'delete', session_id: 'busy' });
    await second.next('deleted');
    for (const client of [first, second]) {
      expect(await end(client)).toMatchObject({
        type: 'error',
        terminal: true,
        code: 'SESSION_DELETED',
        full_response: 'draft',
      });
    }
    gate.open();
    await becomesEmpty('ida', 'busy');
    expect(endsOf(first)).toHaveLength(1);
    expect(framesOf(first, 'chunk').map(({ content }) => content)).toEqual(['draft']);
  });

  it('answers every message that waits: steering, queued, and of another lane (P1)', async () => {
    const gate = createGate();
    stack.script([{ chunks: ['draft', gate] }]);
    const first = await stack.connect('full', as('jon'));
    const second = await stack.connect('full', as('jon'));
    first.send({ type: 'message', id: 'm1', content: 'go' });
    await chunk(first, 'draft');
    first.send({ type: 'message', id: 'm2', content: 'steer' });
    first.send({ type: 'message', id: 'm3', content: 'later', delivery: 'queue' });
    second.send({ type: 'message', id: 'm4', content: 'from elsewhere' });
    await Promise.all([accepted(first, 'm2'), accepted(first, 'm3'), accepted(second, 'm4')]);
    first.send({ type: 'delete', session_id: 'full' });
    await first.next('deleted');
    const told = (client: WsClient, id: string) =>
      client.waitFor((frame) => frame.type === 'error' && 'id' in frame && frame.id === id);
    for (const frame of await Promise.all([told(first, 'm2'), told(first, 'm3'), told(second, 'm4')])) {
      expect(frame).toMatchObject({ code: 'SESSION_DELETED', terminal: false, retryable: false });
    }
    gate.open();
    await becomesEmpty('jon', 'full');
    expect(await stack.stored.everything()).not.toContain('from elsewhere');
  });

  it('that meets the last commit of a turn leaves nothing, whichever comes first', async () => {
    const session = 'racing';
    stack.script(() => ({ chunks: ['Hi.'] }));
    for (let round = 0; round < 4; round++) {
      const client = await stack.connect(`${session}-${round}`, as('kim'));
      client.send({ type: 'message', content: 'hello' });
      await client.waitFor((frame) => frame.type === 'turn_start');
      client.send({ type: 'delete', session_id: `${session}-${round}` });
      await client.next('deleted');
      const ending = await end(client);
      expect(['done', 'error']).toContain(ending.type);
      await becomesEmpty('kim', `${session}-${round}`);
      expect(endsOf(client)).toHaveLength(1);
    }
  });

  it('is the owner’s alone (P12)', async () => {
    await given('leo', 'mine');
    const other = await stack.connect('mine', as('dan'));
    other.send({ type: 'delete', session_id: 'mine' });
    // Under this id the other has a session of its own, in which nothing was said.
    await other.next('deleted');
    expect((await left('leo', 'mine')).length).toBeGreaterThan(4);
    other.send({ type: 'delete', session_id: 'absent' });
    expect(await other.next('error')).toMatchObject({ code: 'SESSION_NOT_FOUND', session_id: 'absent' });
    const owner = await stack.connect('mine', as('leo'));
    expect((await list(owner)).flat()).toMatchObject([{ session_id: 'mine', message_count: 3 }]);
  });
});

describe('retention', () => {
  /** In days, by default: from the last time that the item was written. */
  const KEPT: Readonly<Record<string, number>> = {
    CONNECTION: 1,
    RATE: 0,
    TURNS: 5,
    ENTRY: 30,
    EVENTS: 1,
    MESSAGE: 1,
    LANE: 5,
    session: 44,
    tombstone: 1,
    PRINCIPAL: 74,
  };

  it('has a time for every kind of item, and each item has it', async () => {
    const client = await given('fay', 'kept');
    await given('fay', 'not-kept');
    client.send({ type: 'delete', session_id: 'not-kept' });
    await client.next('deleted');
    const items = JSON.parse(await stack.stored.everything()) as {
      pk: string;
      sk: string;
      deleted?: number;
      expires?: number;
    }[];
    const seen = new Set<string>();
    for (const { pk, sk, deleted, expires = Number.POSITIVE_INFINITY } of items) {
      const ofSession = sk === '-' ? (deleted === undefined ? 'session' : 'tombstone') : sk.split('#')[0];
      const kind = (pk.startsWith('SESSION#') ? ofSession : pk.split('#')[0]) ?? '';
      seen.add(kind);
      const days = (expires - Date.now() / 1000) / (24 * 3600);
      expect(days, `${pk} ${sk}`).toBeGreaterThan((KEPT[kind] ?? Number.NaN) - 0.01);
      expect(days, `${pk} ${sk}`).toBeLessThan((KEPT[kind] ?? Number.NaN) + 0.01);
    }
    expect([...seen].sort()).toEqual(Object.keys(KEPT).sort());
  });
});
