import { describe, expect, it } from 'vitest';
import { dynamoStore } from '../../aws/dynamodb/store.ts';
import { epochMs, epochSeconds } from '../../config/units.ts';
import { asSessionId } from '../../core/ids.ts';
import { entryKey, listingKey, sessionKey, sessionOf } from '../../core/store/keys.ts';
import { exported } from '../support/exported.ts';
import { accepted, chunk, end, refused } from '../support/frames.ts';
import { createGate } from '../support/model-server.ts';
import { runCommand } from '../support/operator.ts';
import { givenPeople } from '../support/people.ts';
import { connect } from '../support/ws-client.ts';

/** Each test is about somebody else, since the command is about all that one has. */
const PEOPLE = ['dan', 'lea', 'mia', 'rob', 'robin', 'una', 'vic'] as const;
const { stack, as, given } = givenPeople(PEOPLE);

describe('an operator’s command', () => {
  const command = (...words: string[]) => program('infra/sessions.ts', words);

  const program = (file: string, words: readonly string[]) => runCommand(stack.cloud, file, words);

  it('lists, renames and exports a principal’s sessions, and deletes one under its running turn', async () => {
    const client = await given('mia', 'chat');
    expect(await command('rename', 'acme', 'mia', 'chat', 'A name')).toEqual({
      code: 0,
      out: 'chat is now named A name\n',
      err: '',
    });
    const { out } = await command('list', 'acme', 'mia');
    expect(JSON.parse(out)).toMatchObject({ session_id: 'chat', name: 'A name', message_count: 3 });
    const { lines } = await exported(client, 'chat');
    const exportedHere = await command('export', 'acme', 'mia', 'chat');
    expect(
      exportedHere.out
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual(lines);
    expect(await command('delete', 'acme', 'mia', 'chat')).toMatchObject({
      code: 0,
      out: 'chat (A name), 3 entries; --yes deletes it\n',
    });

    const gate = createGate();
    stack.script([{ chunks: ['draft', gate] }]);
    client.send({ type: 'message', content: 'go on' });
    await chunk(client, 'draft');
    expect(await command('delete', 'acme', 'mia', 'chat', '--yes')).toMatchObject({ code: 0, err: '' });
    expect(await end(client, 2)).toMatchObject({ code: 'SESSION_DELETED', full_response: 'draft' });
    await refused(client, 'SESSION_DELETED');
    gate.open();
    expect(await command('list', 'acme', 'mia')).toEqual({
      code: 0,
      out: '',
      err: 'acme/mia has nothing to list\n',
    });
    expect(await command('export', 'acme', 'mia', 'chat')).toEqual({
      code: 2,
      out: '',
      err: 'acme/mia has no session chat.\n',
    });
  });

  it('says what the turns of a session do or wait for, without what was said', async () => {
    const words = 'what nobody else shall read';
    const gate = createGate();
    const first = await given('vic', 'chat', words);
    expect(await command('inspect', 'acme', 'vic', 'chat')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^events \d+, entries 3, connections 1 live .*\nidle: no turn is in flight/),
    });
    stack.script([{ chunks: ['draft', gate] }, { chunks: ['second'] }]);
    first.send({ type: 'message', content: words });
    await chunk(first, 'draft');
    const second = await stack.connect('chat', as('vic'));
    second.send({ type: 'message', id: 'behind', content: words });
    await accepted(second, 'behind');
    const { out } = await command('inspect', 'acme', 'vic', 'chat');
    expect(out).toMatch(/^queue: slot \S+ of lane \S+, admitted \d+\.\d s ago, active$/m);
    expect(out).toMatch(
      /^lane \S+: runs\n.* turn \S+ .*\n.* No event in the last 3 s: its model or a tool is silent/m,
    );
    expect(out).toMatch(/^lane \S+: waits for another turn\n.*\n.* behind the turn of lane \S+/m);
    expect(out).not.toContain(words);
    gate.open();
    await end(first, 2);
    await end(second);
    expect(await command('inspect', 'acme', 'vic', 'absent')).toEqual({
      code: 2,
      out: '',
      err: 'acme/vic has no session absent.\n',
    });
  });

  it('P14: closes what a principal has open, also what has sent no frame, and nobody else’s; the turn runs on', async () => {
    const gate = createGate();
    const talking = await given('rob', 'one');
    stack.script([{ chunks: ['draft', gate, ' done'] }]);
    talking.send({ type: 'message', content: 'go on' });
    await chunk(talking, 'draft');
    const silent = await stack.connect('two', as('rob'));
    const others = await Promise.all([stack.connect('one', as('robin')), stack.connect('one', as('dan'))]);
    expect(await command('disconnect', 'acme', 'rob', 'two')).toMatchObject({
      code: 0,
      out: '1 connections of acme/rob/two closed\n',
    });
    expect(await silent.closed).toMatchObject({ code: 1000 });
    expect(await command('disconnect', '--principal', 'acme', 'rob')).toEqual({
      code: 0,
      out: '1 connections of acme/rob closed\n',
      err: '',
    });
    expect(await talking.closed).toMatchObject({ code: 1000 });
    for (const other of others) {
      other.send({ type: 'ping' });
      await other.next('pong');
    }
    expect(await command('disconnect', '--principal', 'acme', 'rob')).toMatchObject({
      out: '0 connections of acme/rob closed\n',
    });
    gate.open();
    expect(await stack.stored.lines('one', { tenant: 'acme', subject: 'rob' })).toContain(
      'assistant: draft done',
    );
  });

  it('lists every session, and exports every entry, of more than a page', async () => {
    await given('lea', 'chat');
    const { principal } = as('lea');
    const { tableName, endpoint, credentials } = stack.cloud.dynamodb;
    const store = dynamoStore(tableName, { endpoint, credentials, region: 'local' });
    const chat = await store.get(sessionKey(sessionOf(principal, asSessionId('chat'))));
    if (!chat) throw new Error('no session');
    const others = Array.from({ length: 100 }, (_, n) => asSessionId(`s${n}`));
    await Promise.all(
      others.flatMap((sessionId, n) => {
        const created = epochMs(chat.created - n);
        const expires = epochSeconds(chat.expires);
        return [
          store.put(sessionKey(sessionOf(principal, sessionId)), { ...chat, sessionId, created }),
          store.put(listingKey(principal, { sessionId, created }), { sessionId, created, expires }),
        ];
      }),
    );
    const { out } = await command('list', 'acme', 'lea');
    const listed: { session_id: string }[] = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(listed.map(({ session_id }) => session_id).toSorted()).toEqual(['chat', ...others].toSorted());
    // A page has a million bytes.
    const long = 'x'.repeat(205_000);
    const session = sessionOf(principal, asSessionId('s0'));
    const entry = await store.get(entryKey(sessionOf(principal, asSessionId('chat')), 1));
    for (const n of [1, 2, 3, 4, 5])
      await store.put(entryKey(session, n), { ...entry, n, content: long } as never);
    await store.put(sessionKey(session), { ...chat, sessionId: asSessionId('s0'), entry: 5 });
    const exportedHere = await command('export', 'acme', 'lea', 's0');
    const lines = exportedHere.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.slice(1).map(({ content }) => content)).toEqual(Array(5).fill(long));
  });

  it('closes what a principal has open before it deletes what they have', async () => {
    // Not checked afterwards: nothing is left to check by.
    const client = await connect(`${stack.cloud.url}?session_id=chat&token=token-of-una`);
    stack.script([{ chunks: ['Hi.'] }]);
    client.send({ type: 'message', content: 'hello' });
    await end(client);
    await stack.stored.transcript('chat', as('una').principal);
    expect(
      await program('infra/delete-principal.ts', [stack.cloud.dynamodb.tableName, 'acme', 'una']),
    ).toMatchObject({ code: 0, out: expect.stringContaining('--yes deletes them') });
    const deleted = await program('infra/delete-principal.ts', [
      stack.cloud.dynamodb.tableName,
      'acme',
      'una',
      '--yes',
    ]);
    expect(deleted).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^\d+ items of acme\/una in .* deleted\n$/),
    });
    expect(await client.closed).toMatchObject({ code: 1000 });
  });

  it.each([
    [[]],
    [['list', 'acme']],
    [['disconnect', 'acme', 'mia']],
    [['disconnect', '--principal', 'acme', 'mia', 'chat']],
    [['erase', 'acme', 'mia', 'chat']],
    [['list', 'acme', 'mia', '--all']],
  ])('that is none says how it is used: %j', async (words) => {
    const { code, err } = await command(...words);
    expect(code).toBe(2);
    expect(err).toContain('npm run sessions --');
  });
});
