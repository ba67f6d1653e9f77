import { describe, expect, it } from 'vitest';
import type { ForkFrame } from '../../protocol/client-frames.ts';
import { accepted, chunk, end, eventsOf, framesOf, refused } from '../support/frames.ts';
import { createGate } from '../support/model-server.ts';
import { givenPeople } from '../support/people.ts';
import type { WsClient } from '../support/ws-client.ts';

const PEOPLE = ['ann', 'bob', 'cleo', 'dan', 'eve', 'fay'] as const;
const { stack, as, given } = givenPeople(PEOPLE);

type Person = (typeof PEOPLE)[number];

async function forked(client: WsClient, frame: Omit<ForkFrame, 'type'>) {
  client.send({ type: 'fork', ...frame });
  return client.next('forked');
}

/** Of the session's transcript in the table, all but its place: a fork must have the same. */
const entriesOf = async (session: string, person: Person) =>
  (await stack.stored.transcript(session, as(person).principal)).map((entry) => ({ ...entry, pk: '' }));

/** Sort keys of what is left of a session, beside the item that keeps its id. */
async function partsOf(session: string): Promise<string[]> {
  const items = JSON.parse(await stack.stored.everything()) as { pk: string; sk: string }[];
  return items.filter(({ pk, sk }) => pk.endsWith(`#${session}`) && sk !== '-').map(({ sk }) => sk);
}

describe('a fork', () => {
  it('P11: goes on from the same transcript, for the model too; the session that it was made of stays as it is', async () => {
    const model = stack.script([
      { chunks: ['First.'] },
      { chunks: ['Second.'] },
      { chunks: ['Another second.'] },
    ]);
    const client = await stack.connect('trip', as('ann'));
    client.send({ type: 'message', id: 'm1', content: 'one' });
    await end(client);
    client.send({ type: 'message', id: 'm2', content: 'two' });
    await end(client, 2);
    const before = await entriesOf('trip', 'ann');
    expect(await forked(client, { session_id: 'trip-2', from: 'trip', before: 'm2' })).toEqual({
      type: 'forked',
      session_id: 'trip-2',
      forked_from: { session_id: 'trip', before: 4 },
      message_count: 3,
    });
    const other = await stack.connect('trip-2', as('ann'));
    other.send({ type: 'connect' });
    expect(await other.waitFor('session_start')).toMatchObject({
      resumed: true,
      message_count: 3,
      forked_from: { session_id: 'trip', before: 4 },
    });
    // The edited message may keep its id: the fork has none of it.
    other.send({ type: 'message', id: 'm2', content: 'two, but short' });
    expect(await end(other)).toMatchObject({ type: 'done', full_response: 'Another second.' });
    expect(model.prompt(3).slice(-3)).toEqual(['user: one', 'assistant: First.', 'user: two, but short']);
    expect(model.prompt(2).slice(0, -1)).toEqual(model.prompt(3).slice(0, -1));
    expect(await entriesOf('trip', 'ann')).toEqual(before);
    expect((await entriesOf('trip-2', 'ann')).slice(0, 3)).toEqual(before.slice(0, 3));
  });

  it('of a session whose turn runs has what was said before a message, and nothing of what follows', async () => {
    const gate = createGate();
    const client = await given('bob', 'talk');
    stack.script([{ chunks: ['Let me', gate, ' think.'] }, { chunks: [' Well.'] }]);
    client.send({ type: 'message', id: 'm2', content: 'two' });
    await chunk(client, 'Let me');
    client.send({ type: 'message', id: 'm3', content: 'three' });
    await accepted(client, 'm3');
    expect(await forked(client, { session_id: 'ended', from: 'talk' })).toMatchObject({ message_count: 3 });
    expect(await forked(client, { session_id: 'running', from: 'talk', before: 'm2' })).toMatchObject({
      message_count: 3,
    });
    client.send({ type: 'fork', session_id: 'pending', from: 'talk', before: 'm3' });
    expect(await refused(client, 'ENTRY_NOT_FOUND')).toMatchObject({ session_id: 'pending' });
    gate.open();
    await end(client, 2);
    // The turn has ended, and its entries may not be written yet.
    expect(await forked(client, { session_id: 'steered', from: 'talk', before: 'm3' })).toMatchObject({
      message_count: 5,
    });
    const whole = await entriesOf('talk', 'bob');
    for (const [session, count] of [
      ['ended', 3],
      ['running', 3],
      ['steered', 5],
    ] as const)
      expect(await entriesOf(session, 'bob'), session).toEqual(whole.slice(0, count));
  });

  it('outlives the session that it was made of, and goes without it', async () => {
    const client = await given('cleo', 'old');
    const entries = await entriesOf('old', 'cleo');
    await forked(client, { session_id: 'kept', from: 'old' });
    await forked(client, { session_id: 'gone', from: 'old' });
    const other = await stack.connect('kept', as('cleo'));
    other.send({ type: 'delete', session_id: 'old' });
    await other.next('deleted');
    other.send({ type: 'delete', session_id: 'gone' });
    await other.next('deleted');
    await expect.poll(() => partsOf('old')).toEqual([]);
    expect(await entriesOf('kept', 'cleo')).toEqual(entries);
    other.send({ type: 'sessions' });
    expect((await other.next('sessions')).sessions).toMatchObject([
      { session_id: 'kept', forked_from: { session_id: 'old', before: 4 } },
    ]);
  });

  it('counts its events on from those in its entries: a client that asks for earlier ones is told that they are gone', async () => {
    const client = await given('dan', 'counted');
    await forked(client, { session_id: 'on', from: 'counted' });
    const other = await stack.connect('on', as('dan'));
    other.send({ type: 'connect', resume: { after_seq: 0 } });
    const { last_seq } = await other.waitFor('session_start');
    expect(await other.waitFor('history_gap')).toMatchObject({ after_seq: 0, available_from: last_seq + 1 });
    stack.script([{ chunks: ['On.'] }]);
    other.send({ type: 'message', content: 'go on' });
    await end(other);
    expect(eventsOf(other)[0]).toMatchObject({ type: 'turn_start', seq: last_seq + 1 });
  });

  it('P12: of another’s session is refused like one of a session that does not exist', async () => {
    await given('eve', 'secret');
    const other = await stack.connect('mine', as('fay'));
    for (const from of ['secret', 'none']) other.send({ type: 'fork', session_id: `fork-of-${from}`, from });
    await expect
      .poll(() => framesOf(other, 'error').map(({ code, message }) => `${code} ${message}`))
      .toEqual(Array(2).fill('SESSION_NOT_FOUND There is no such session to fork.'));
    expect(await stack.stored.everything()).not.toContain('fork-of-secret');
  });
});
